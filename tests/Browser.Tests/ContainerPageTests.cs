using System.Text;
using System.Text.RegularExpressions;
using Microsoft.Playwright;

namespace Hypervisor.Sdk.Browser.Tests;

/// <summary>Containers of a real LXD on the page of the reference host, in a real browser. Every test fails when the page reports an error.</summary>
[Peer("lxd")]
[Peer("chromium")]
[Speed(SpeedAttribute.Slow)]
public sealed class ContainerPageTests(ContainerFixture fixture) : IClassFixture<ContainerFixture>
{
    private static readonly LocatorAssertionsToHaveCountOptions Count = PagePatience.Count;

    [Fact(Timeout = 180_000)]
    [Feature("CON-01")]
    public Task A_container_is_made_by_the_form_and_its_terminal_is_a_shell_as_root() => WithContainerAsync(async (page, _) =>
    {
        await TabAsync(page, "Console");
        var rows = page.Page.Locator(".xterm-rows");
        await Assertions.Expect(page.Page.Locator(".terminal[data-phase='open']")).ToBeVisibleAsync(PagePatience.Visible);
        await Assertions.Expect(rows).ToContainTextAsync("# ", PagePatience.Text);
        var terminal = new TerminalPage(page.Page);
        await terminal.TypeAsync("echo I am $(id -un) in $((6*7))");
        await terminal.ExpectAsync("I am root in 42");
        await page.PictureAsync("container-terminal-1400");
        await terminal.TypeAsync("exit");
        await Assertions.Expect(page.Page.Locator(".pane-note")).ToContainTextAsync("the command has ended with 0", PagePatience.Text);
        await page.Button("Open a shell").ClickAsync();
        await Assertions.Expect(rows).ToContainTextAsync("# ", PagePatience.Text);
    });

    [Fact(Timeout = 180_000)]
    [Feature("CON-02")]
    public Task The_boot_log_shows_what_a_container_has_printed() => WithContainerAsync(async (page, _) =>
    {
        await TabAsync(page, "Boot log");
        var said = page.Page.GetByRole(AriaRole.Log).Filter(new() { HasText = "booted" });

        // It may have printed nothing when it was asked first.
        while (await said.CountAsync() == 0)
        {
            TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
            await page.Button("Refresh").ClickAsync();
        }

        // What was read once is there the next time too.
        await TabAsync(page, "Summary");
        await Assertions.Expect(said).ToHaveCountAsync(0, Count);
        await TabAsync(page, "Boot log");
        await Assertions.Expect(said).ToBeVisibleAsync(PagePatience.Visible);
    });

    [Fact(Timeout = 180_000)]
    [Feature("CON-03")]
    [Feature("CON-05")]
    [Feature("CON-06")]
    public Task Files_are_uploaded_looked_at_downloaded_and_deleted() => WithContainerAsync(async (page, name) =>
    {
        await TabAsync(page, "Files");
        await Assertions.Expect(page.Page.GetByText("Nothing is in this directory")).ToBeVisibleAsync(PagePatience.Visible);
        await page.Page.Locator("input[name='upload']").SetInputFilesAsync(new FilePayload { Name = "a note.txt", MimeType = "text/plain", Buffer = Encoding.UTF8.GetBytes("from the browser\n") });
        var row = page.Page.Locator("tr[data-file='a note.txt']");
        await Assertions.Expect(row).ToBeVisibleAsync(PagePatience.Visible);
        await page.PictureAsync("container-files-1400");
        var download = await page.Page.RunAndWaitForDownloadAsync(() => row.GetByRole(AriaRole.Link, new() { Name = "Download" }).ClickAsync());
        Assert.Equal("a note.txt", download.SuggestedFilename);
        await using (var content = await download.CreateReadStreamAsync())
        using (var text = new StreamReader(content))
            Assert.Equal("from the browser\n", await text.ReadToEndAsync(TestContext.Current.CancellationToken));

        await page.Page.GetByRole(AriaRole.Navigation, new() { Name = "Where" }).GetByRole(AriaRole.Button, new() { Name = "/", Exact = true }).ClickAsync();
        await page.Page.Locator("tr[data-file='etc']").GetByRole(AriaRole.Button, new() { Name = "etc/" }).ClickAsync();
        await Assertions.Expect(page.Page.Locator("tr[data-file='passwd']")).ToBeVisibleAsync(PagePatience.Visible);
        await page.Page.GetByRole(AriaRole.Navigation, new() { Name = "Where" }).GetByRole(AriaRole.Button, new() { Name = "/", Exact = true }).ClickAsync();
        await page.Page.Locator("tr[data-file='root']").GetByRole(AriaRole.Button, new() { Name = "root/" }).ClickAsync();
        await row.GetByRole(AriaRole.Button, new() { Name = "Delete a note.txt" }).ClickAsync();
        await page.Page.GetByRole(AriaRole.Dialog).GetByRole(AriaRole.Button, new() { Name = "Delete" }).ClickAsync();
        await Assertions.Expect(row).ToHaveCountAsync(0, Count);

        // Each was a job of this machine; what was looked at was none.
        await page.GoAsync($"#/jobs/{name}");
        var jobs = page.Page.Locator("tr[data-job][data-state='completed']");
        foreach (string job in (string[])["create instance", "start instance", "upload file", "delete file"])
            await Assertions.Expect(jobs.Filter(new() { HasText = $"{job}: {name}" })).ToHaveCountAsync(1, Count);
        await Assertions.Expect(page.Page.Locator("tr[data-job]")).ToHaveCountAsync(4, Count);
        await page.GoToMachineAsync(name, "Files");
    });

    [Fact(Timeout = 180_000)]
    [Feature("NET-03")]
    public Task A_port_of_the_host_is_led_into_a_container_and_closed_again() => WithContainerAsync(async (page, name) =>
    {
        await TabAsync(page, "Ports");
        await Assertions.Expect(page.Page.GetByText("No port of the host leads into this container.")).ToBeVisibleAsync(PagePatience.Visible);
        await page.Button("Add port").ClickAsync();
        var dialog = page.Page.GetByRole(AriaRole.Dialog);
        await dialog.GetByLabel("Port in the container").FillAsync("8080");
        await dialog.GetByRole(AriaRole.Button, new() { Name = "Add port" }).ClickAsync();
        var row = page.Page.Locator("tr[data-port]");
        await Assertions.Expect(row).ToContainTextAsync($"{name}:8080", PagePatience.Text);
        await Assertions.Expect(row.Locator(".name")).ToContainTextAsync(new Regex(@"127\.0\.0\.1:\d+"));
        await page.PictureAsync("container-ports-1400");
        await row.GetByRole(AriaRole.Button).ClickAsync();
        await dialog.GetByRole(AriaRole.Button, new() { Name = "Close", Exact = true }).Last.ClickAsync();
        await Assertions.Expect(row).ToHaveCountAsync(0, Count);
    });

    /// <summary>Makes a container by the form, and deletes it by its page.</summary>
    private Task WithContainerAsync(Func<WatchedPage, string, Task> use) => fixture.UseAsync("#/create", async page =>
    {
        string name = "box-" + Guid.NewGuid().ToString("N")[..6];
        await page.Page.GetByLabel("Backend").SelectOptionAsync("lxd");
        await page.Page.GetByLabel("Name").FillAsync(name);
        await page.Page.GetByLabel("Memory", new() { Exact = true }).FillAsync("64 MiB");
        await page.Page.GetByLabel("Image", new() { Exact = true }).SelectOptionAsync("busybox");
        await page.Button("Create machine").ClickAsync();
        await Assertions.Expect(page.Page.Locator($"article.machine[data-name='{name}']")).ToHaveAttributeAsync("data-state", "running", PagePatience.Attribute);
        await use(page, name);
        await TabAsync(page, "Summary");
        await page.Button("Delete").ClickAsync();
        var dialog = page.Page.GetByRole(AriaRole.Dialog);
        await dialog.GetByLabel($"Type {name} to confirm").FillAsync(name);
        await dialog.GetByRole(AriaRole.Button, new() { Name = "Delete" }).ClickAsync();
        await Assertions.Expect(page.Page.Locator(".toast[data-state='succeeded']").Filter(new() { HasText = $"Delete {name}" })).ToBeVisibleAsync(PagePatience.Visible);
        await page.GoAsync("#/");
        await Assertions.Expect(page.Machine(name)).ToHaveCountAsync(0, Count);
    });

    private static Task TabAsync(WatchedPage page, string tab) => page.Page.Locator(".tabs").GetByRole(AriaRole.Link, new() { Name = tab, Exact = true }).ClickAsync();
}
