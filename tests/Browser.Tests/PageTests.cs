using System.Text.RegularExpressions;
using Microsoft.Playwright;

namespace Hypervisor.Sdk.Browser.Tests;

/// <summary>The page of the reference host in a real browser, over the real host with real machines. Every test fails when the page reports an error.</summary>
[Peer("qemu")]
[Peer("chromium")]
[Speed(SpeedAttribute.Slow)]
public sealed partial class PageTests(PageFixture fixture) : IClassFixture<PageFixture>
{
    [Fact(Timeout = 90_000)]
    [Feature("UI-02")]
    [Feature("EVT-02")]
    public Task The_list_shows_both_machines_running_and_follows_what_is_done_to_them() => fixture.UseAsync("#/", async page =>
    {
        foreach (string name in (string[])["demo-1", "demo-2"])
            await Assertions.Expect(page.Machine(name)).ToHaveAttributeAsync("data-state", "running", PagePatience.Attribute);
        await Assertions.Expect(page.Page.Locator(".sidebar .tree-item")).ToHaveCountAsync(2, PagePatience.Count);

        await page.Button("Pause: demo-2").ClickAsync();
        await Assertions.Expect(page.Machine("demo-2")).ToHaveAttributeAsync("data-state", "paused", PagePatience.Attribute);
        await Assertions.Expect(page.Machine("demo-2").Locator(".badge.warn")).ToContainTextAsync("paused");
        await Assertions.Expect(page.Page.Locator(".overview .feed")).ToContainTextAsync("running → paused", PagePatience.Text);
        await page.Button("Resume: demo-2").ClickAsync();
        await Assertions.Expect(page.Machine("demo-2")).ToHaveAttributeAsync("data-state", "running", PagePatience.Attribute);
        await Assertions.Expect(page.Machine("demo-2").Locator(".badge.good")).ToContainTextAsync("running");
        await Assertions.Expect(page.Page.Locator(".overview .feed")).ToContainTextAsync("paused → running", PagePatience.Text);
    });

    [Fact(Timeout = 90_000)]
    [Feature("UI-24")]
    [Feature("UI-25")]
    [Feature("UI-26")]
    [Feature("UI-30")]
    public Task The_page_is_dark_and_dense_and_its_colours_tell_states_apart() => fixture.UseAsync("#/", async page =>
    {
        foreach (string part in (string[])["body", ".topbar", ".sidebar", "main", "tr[data-name='demo-1']"])
        {
            var (text, background) = await page.ColoursAsync(part);
            Assert.True(background.Max() < 64, $"{part} is not dark: {string.Join(' ', background)}");
            Assert.True(text.Min() > 128, $"The text of {part} is not light: {string.Join(' ', text)}");
        }

        await Assertions.Expect(page.Page.Locator(".sidebar").GetByRole(AriaRole.Link, new() { Name = "Events" })).ToBeVisibleAsync();
        float row = (await page.Machine("demo-1").BoundingBoxAsync())!.Height;
        Assert.True(row <= 48, $"A row is {row} pixels high.");

        await Assertions.Expect(page.Machine("demo-2").Locator(".badge.good")).ToContainTextAsync("running", PagePatience.Text);
        var (good, _) = await page.ColoursAsync("[data-name='demo-2'] .badge.good");
        await page.Button("Pause: demo-2").ClickAsync();
        await Assertions.Expect(page.Machine("demo-2").Locator(".badge.warn")).ToContainTextAsync("paused", PagePatience.Text);
        var (warn, _) = await page.ColoursAsync("[data-name='demo-2'] .badge.warn");
        await page.Button("Resume: demo-2").ClickAsync();
        await Assertions.Expect(page.Machine("demo-2")).ToHaveAttributeAsync("data-state", "running", PagePatience.Attribute);
        Assert.True(good[1] > good[0] + 30 && good[1] > good[2] + 10, $"What is well is not green: {string.Join(' ', good)}");
        Assert.True(warn[0] > warn[2] + 60 && warn[0] >= warn[1], $"What needs attention is not amber: {string.Join(' ', warn)}");
    });

    [Fact(Timeout = 90_000)]
    [Feature("UI-01")]
    public Task A_machine_that_ends_by_itself_is_an_alert_on_the_overview() => fixture.UseAsync("#/create", async page =>
    {
        string name = "ends-" + Guid.NewGuid().ToString("N")[..6];
        await WholeFormAsync(page);
        await page.Page.GetByLabel("Name").FillAsync(name);
        await page.Button("Create machine").ClickAsync();
        await Assertions.Expect(page.Page.Locator($"article.machine[data-name='{name}']")).ToHaveAttributeAsync("data-state", "running", PagePatience.Attribute);
        string id = new Uri(page.Page.Url).Fragment.Split('/')[3];
        PageFixture.KillMachine(id);
        await page.GoAsync("#/");
        await Assertions.Expect(page.Machine(name)).ToHaveAttributeAsync("data-state", "crashed", PagePatience.Attribute);
        await Assertions.Expect(page.Page.GetByRole(AriaRole.List, new() { Name = "Alerts, newest first" }).GetByRole(AriaRole.Listitem).First).ToContainTextAsync(name, PagePatience.Text);
        await page.GoToMachineAsync(name, "Summary");
        await DeleteAsync(page, name);
    });

    [Fact(Timeout = 90_000)]
    [Feature("UI-01")]
    [Feature("EVT-05")]
    public Task The_overview_shows_the_node_and_live_numbers_that_change_by_themselves() => fixture.UseAsync("#/", async page =>
    {
        await Assertions.Expect(page.Page.Locator(".strip-counts")).ToContainTextAsync("running", PagePatience.Text);
        await Assertions.Expect(page.Page.Locator(".strip-node")).ToContainTextAsync(new Regex(@"CPU\s*\d"), PagePatience.Text);
        await Assertions.Expect(page.Page.Locator(".overview")).ToContainTextAsync("Recent events");
        // Two readings of the machine's counters make the first number, a third one moves the line.
        await Assertions.Expect(page.Machine("demo-1").Locator("td[data-label='CPU']")).ToContainTextAsync("%", PagePatience.Text);
        string before = await LineAsync(page);
        await page.Page.WaitForFunctionAsync("before => document.querySelector(\"[data-name='demo-1'] .spark polyline\")?.getAttribute('points') !== before", before, new() { Timeout = PagePatience.Milliseconds });
    });

    [Fact(Timeout = 90_000)]
    [Feature("UI-03")]
    public Task The_list_is_a_table_or_cards_and_can_be_filtered() => fixture.UseAsync("#/", async page =>
    {
        await Assertions.Expect(page.Page.Locator("tr[data-name]")).ToHaveCountAsync(2, PagePatience.Count);
        await page.Page.GetByLabel("Filter machines").FillAsync("demo-1");
        await Assertions.Expect(page.Page.Locator("tr[data-name]")).ToHaveCountAsync(1);
        await page.Page.GetByLabel("Filter machines").FillAsync("");
        await page.Button("Cards").ClickAsync();
        await Assertions.Expect(page.Page.Locator(".machine-card")).ToHaveCountAsync(2);
        await Assertions.Expect(page.Page.Locator(".machine-card .badge.good")).ToHaveCountAsync(2, PagePatience.Count);
        await Assertions.Expect(page.Button("Shut down: demo-1")).ToBeVisibleAsync();
        await page.PictureAsync("cards-1400");
    });

    [Fact(Timeout = 90_000)]
    public Task What_is_done_to_a_machine_is_a_job_with_its_lane_and_the_clock_s_are_listed_with_their_next_times() => fixture.UseAsync("#/create", async page =>
    {
        string name = "job-" + Guid.NewGuid().ToString("N")[..6];
        await WholeFormAsync(page);
        await page.Page.GetByLabel("Name").FillAsync(name);
        await page.Button("Create machine").ClickAsync();
        await Assertions.Expect(page.Page.Locator($"article.machine[data-name='{name}']")).ToHaveAttributeAsync("data-state", "running", PagePatience.Attribute);
        await page.GoAsync("#/jobs");
        var jobs = page.Page.GetByRole(AriaRole.Table, new() { Name = "Jobs, newest first" });
        await Assertions.Expect(jobs.Locator("tr[data-state='completed']").Filter(new() { HasText = $"create instance: {name}" })).ToHaveCountAsync(1, PagePatience.Count);
        await Assertions.Expect(jobs.Locator("tr[data-state='completed']").Filter(new() { HasText = $"start instance: {name}" })).ToHaveCountAsync(1, PagePatience.Count);
        await Assertions.Expect(page.Page.Locator("tr[data-schedule='tidy-jobs'] time")).ToHaveCountAsync(5, PagePatience.Count);
        await page.PictureAsync("jobs-1400");

        // A machine that does not answer keeps its lane with who asked it; what comes then waits for it, and can be cancelled.
        await page.GoToMachineAsync(name, "Summary");
        string id = new Uri(page.Page.Url).Fragment.Split('/')[3];
        await PageFixture.HoldMachineAsync(id);
        try
        {
            page.Expect("Failed to load resource");
            await page.GoAsync("#/jobs");
            await AskAsync(page, $"/api/v1/instances/local/{id}/stop");
            // One that does not answer is called by its id.
            var stop = jobs.Locator("tr[data-state='inProgress']").Filter(new() { HasTextRegex = new Regex($"stop instance: ({name}|{id})") });
            await Assertions.Expect(stop).ToHaveCountAsync(1, PagePatience.Count);
            await Assertions.Expect(page.Page.Locator($"tr[data-lane='local/instance:{id}']")).ToContainTextAsync("stop instance", PagePatience.Text);
            await AskAsync(page, $"/api/v1/instances/local/{id}/start");
            var waits = jobs.Locator("tr[data-state='pending']").Filter(new() { HasText = $"local/instance:{id}" });
            await Assertions.Expect(waits).ToContainTextAsync($"Waits for lane 'local/instance:{id}'", PagePatience.Text);
            await page.PictureAsync("jobs-waiting-1400");
            await waits.GetByRole(AriaRole.Button, new() { Name = "Cancel" }).ClickAsync();
            await Assertions.Expect(waits).ToHaveCountAsync(0, PagePatience.Count);
            await Assertions.Expect(jobs.Locator("tr[data-state='cancelled']").First).ToBeVisibleAsync(PagePatience.Visible);
            await page.Page.GetByLabel("Filter jobs").FillAsync("create instance");
            await Assertions.Expect(stop).ToHaveCountAsync(0, PagePatience.Count);
            await page.Page.GetByLabel("Filter jobs").FillAsync("");
            await Assertions.Expect(stop).ToHaveCountAsync(1, PagePatience.Count);
        }
        finally
        {
            PageFixture.KillMachine(id);
        }

        await Assertions.Expect(jobs.Locator("tr[data-state='inProgress']").Filter(new() { HasTextRegex = new Regex($"stop instance: ({name}|{id})") })).ToHaveCountAsync(0, PagePatience.Count);
        await page.GoToMachineAsync(name, "Summary");
        await DeleteAsync(page, name);
    });

    [Fact(Timeout = 90_000)]
    public Task A_job_that_failed_can_be_run_again_and_discarded() => fixture.UseAsync("#/jobs", async page =>
    {
        page.Expect("Failed to load resource");
        await AskAsync(page, "/api/v1/instances/local/nobody/start");
        var failed = page.Page.GetByRole(AriaRole.Table, new() { Name = "Jobs, newest first" }).Locator("tr[data-state='failed']").Filter(new() { HasText = "nobody" });
        await Assertions.Expect(failed.Locator("[data-label='Attempts']")).ToHaveTextAsync("1", new() { Timeout = PagePatience.Milliseconds });
        await failed.GetByRole(AriaRole.Button, new() { Name = "Retry" }).ClickAsync();
        await Assertions.Expect(failed.Locator("[data-label='Attempts']")).ToHaveTextAsync("2", new() { Timeout = PagePatience.Milliseconds });
        await failed.GetByRole(AriaRole.Button, new() { Name = "Discard" }).ClickAsync();
        await Assertions.Expect(failed).ToHaveCountAsync(0, PagePatience.Count);
    });

    /// <summary>The form for a new machine is whole: what comes later would move the button away from under the pointer, or be missed when it is sent.</summary>
    private static async Task WholeFormAsync(WatchedPage page)
    {
        await Assertions.Expect(page.Page.GetByLabel("Name")).ToHaveValueAsync(new Regex("^[a-z]+-[a-z]+$"), new() { Timeout = PagePatience.Milliseconds });
        await Assertions.Expect(page.Page.GetByRole(AriaRole.Combobox, new() { Name = "RAM disk", Exact = true })).ToBeVisibleAsync(PagePatience.Visible);
    }

    /// <summary>Asks the API as the page does, and waits for no answer.</summary>
    private static Task<System.Text.Json.JsonElement?> AskAsync(WatchedPage page, string path) => page.Page.EvaluateAsync("""
        async (path) => {
          const { csrf } = await (await fetch('/session', { headers: { Accept: 'application/json' } })).json();
          void fetch(path, { method: 'POST', headers: { 'X-CSRF-Token': csrf } });
        }
        """, path);

    [Fact(Timeout = 90_000)]
    [Feature("QA-03")]
    [Feature("CON-16")]
    public Task The_terminal_types_into_the_machine_and_shows_its_answer() => fixture.UseAsync("#/", async page =>
    {
        await page.GoToMachineAsync("demo-1", "Console");
        var terminal = new TerminalPage(page.Page);
        await terminal.WaitForPromptAsync();
        await terminal.TypeAsync("uname -a");
        await terminal.ExpectAsync(KernelAnswer());
        await page.PictureAsync("console-1400");
    });

    /// <summary>Also takes the picture of the README, for eng/update-screenshots: then with some history in the charts.</summary>
    [Fact(Timeout = 90_000)]
    public Task A_console_docks_beneath_the_list() => fixture.UseAsync("#/", async page =>
    {
        await page.Button("Pause: demo-2").ClickAsync();
        await page.Button("Resume: demo-2").ClickAsync();
        await page.Button("Console of demo-1").ClickAsync();
        var terminal = new TerminalPage(page.Page);
        await terminal.WaitForPromptAsync();
        await terminal.TypeAsync("clear; uname -a; free -m; df -h /data");
        await terminal.ExpectAsync(DataDisk());
        await Assertions.Expect(page.Page.Locator("tr[data-name='demo-1']")).ToHaveAttributeAsync("data-state", "running");
        // There is a button to resume it only while it is paused: that it runs again now is what the press did.
        await Assertions.Expect(page.Page.Locator("tr[data-name='demo-2']")).ToHaveAttributeAsync("data-state", "running");
        await Assertions.Expect(page.Page.Locator(".toast")).ToHaveCountAsync(0, PagePatience.Count);
        int points = Environment.GetEnvironmentVariable("HYPERVISOR_SDK_PICTURE") is null ? 2 : 15;
        await page.Page.WaitForFunctionAsync("points => document.querySelector(\"[data-name='demo-2'] .spark polyline\")?.getAttribute('points').split(' ').length >= points", points, new() { Timeout = 60_000 });
        await Assertions.Expect(page.Page.Locator(".overview .feed li.bad")).ToHaveCountAsync(0);
        await page.PictureAsync("page");
    });

    [Fact(Timeout = 90_000)]
    public Task Reverting_to_a_snapshot_brings_a_changed_file_back() => fixture.UseAsync("#/", async page =>
    {
        string name = "before-" + Guid.NewGuid().ToString("N")[..6];
        await page.GoToMachineAsync("demo-1", "Console");
        var terminal = new TerminalPage(page.Page);
        await terminal.WaitForPromptAsync();
        await terminal.TypeAsync($"echo kept-{name} >~/file; sync; cat ~/file | tr a-z A-Z");
        await terminal.ExpectAsync($"KEPT-{name.ToUpperInvariant()}");

        await TabAsync(page, "Snapshots");
        await page.Button("Take snapshot").ClickAsync();
        var dialog = page.Page.GetByRole(AriaRole.Dialog);
        await dialog.GetByLabel("Name").FillAsync(name);
        await dialog.GetByLabel("With its memory", new() { Exact = false }).CheckAsync();
        await dialog.GetByRole(AriaRole.Button, new() { Name = "Take snapshot" }).ClickAsync();
        var row = page.Page.Locator($"tr[data-snapshot='{name}']");
        await Assertions.Expect(row).ToContainTextAsync("disks and memory", PagePatience.Text);
        await page.PictureAsync("snapshots-1400");

        await TabAsync(page, "Console");
        await terminal.WaitForPromptAsync();
        await terminal.TypeAsync($"echo lost-{name} >~/file; sync; cat ~/file | tr a-z A-Z");
        await terminal.ExpectAsync($"LOST-{name.ToUpperInvariant()}");

        await TabAsync(page, "Snapshots");
        await row.GetByRole(AriaRole.Button, new() { Name = "Revert" }).ClickAsync();
        await dialog.GetByRole(AriaRole.Button, new() { Name = "Revert" }).ClickAsync();
        await Assertions.Expect(page.Page.Locator(".toast[data-state='succeeded']").Filter(new() { HasText = "Revert" })).ToBeVisibleAsync(PagePatience.Visible);

        await TabAsync(page, "Console");
        await terminal.WaitForPromptAsync();
        await terminal.TypeAsync("sed s/^/now:/ ~/file");
        await terminal.ExpectAsync($"now:kept-{name}");
    });

    [Fact(Timeout = 90_000)]
    [Feature("UI-04")]
    public Task A_machine_is_created_by_the_form_and_deleted_again() => fixture.UseAsync("#/create", async page =>
    {
        string name = "made-" + Guid.NewGuid().ToString("N")[..6];
        // A name is proposed, and may be changed.
        await Assertions.Expect(page.Page.GetByLabel("Name")).ToHaveValueAsync(new Regex("^[a-z]+-[a-z]+$"));
        await page.Page.GetByLabel("Name").FillAsync("");
        await page.Button("Create machine").ClickAsync();
        await Assertions.Expect(page.Page.GetByText("A machine needs a name.")).ToBeVisibleAsync();
        await page.Page.GetByLabel("Name").FillAsync(name);
        await page.Page.GetByLabel("Memory", new() { Exact = true }).FillAsync("256 MiB");
        await page.Page.GetByLabel("New disk").FillAsync("64 MiB");
        await page.PictureAsync("create-1400");
        await page.Button("Create machine").ClickAsync();
        await Assertions.Expect(page.Page.Locator($"article.machine[data-name='{name}']")).ToHaveAttributeAsync("data-state", "running", PagePatience.Attribute);

        await DeleteAsync(page, name);
        await page.GoAsync("#/");
        await Assertions.Expect(page.Machine("demo-1")).ToBeVisibleAsync();
        await Assertions.Expect(page.Machine(name)).ToHaveCountAsync(0, PagePatience.Count);
    });

    [Fact(Timeout = 90_000)]
    [Feature("CMP-09")]
    [Feature("TPL-01")]
    public Task A_machine_becomes_a_template_and_a_machine_of_another_size_is_made_from_it() => fixture.UseAsync("#/create", async page =>
    {
        string name = "mould-" + Guid.NewGuid().ToString("N")[..6];
        await WholeFormAsync(page);
        await page.Page.GetByLabel("Name").FillAsync(name);
        await page.Page.GetByLabel("New disk").FillAsync("64 MiB");
        await page.Page.GetByLabel("Start it when it is made").UncheckAsync();
        await page.Button("Create machine").ClickAsync();
        await page.Button("Make template").ClickAsync();
        await Assertions.Expect(page.Button("Make machine")).ToBeVisibleAsync(PagePatience.Visible);
        await Assertions.Expect(page.Button("Start")).ToHaveCountAsync(0);

        await page.Button("Clone").ClickAsync();
        var dialog = page.Page.GetByRole(AriaRole.Dialog);
        await Assertions.Expect(dialog.GetByLabel("Name")).ToHaveValueAsync($"{name}-1");
        await dialog.GetByLabel("CPUs").FillAsync("2");
        await dialog.GetByLabel("Disk disk0").FillAsync("32 MiB");
        page.Expect("status of 400");
        await dialog.GetByRole(AriaRole.Button, new() { Name = "Create clone" }).ClickAsync();
        await Assertions.Expect(dialog.GetByText("smaller would cut off data")).ToBeVisibleAsync(PagePatience.Visible);
        await dialog.GetByLabel("Disk disk0").FillAsync("128 MiB");
        await dialog.GetByRole(AriaRole.Button, new() { Name = "Create clone" }).ClickAsync();
        await Assertions.Expect(page.Page.Locator($"article.machine[data-name='{name}-1']")).ToHaveAttributeAsync("data-state", "stopped", PagePatience.Attribute);
        await TabAsync(page, "Disks");
        await Assertions.Expect(page.Page.GetByText("128 MiB").First).ToBeVisibleAsync(PagePatience.Visible);

        await DeleteAsync(page, $"{name}-1");
        await page.GoToMachineAsync(name, "Summary");
        await DeleteAsync(page, name);
    });

    [Fact(Timeout = 90_000)]
    [Feature("UI-31")]
    public Task A_view_says_that_it_loads_and_one_that_fails_takes_only_itself_down() => fixture.UseAsync("#/", async page =>
    {
        await page.GoToMachineAsync("demo-1", "Summary");
        var answer = new TaskCompletionSource();
        await page.Page.RouteAsync("**/native", async route =>
        {
            await answer.Task;
            await route.FulfillAsync(new() { ContentType = "application/json", Body = """{"mediaType":"text/plain","content":"not base64 at all!"}""" });
        });
        await TabAsync(page, "Native");
        await Assertions.Expect(page.Page.GetByRole(AriaRole.Status).Filter(new() { HasText = "Loading the document" })).ToBeVisibleAsync(PagePatience.Visible);
        answer.SetResult();
        var alert = page.Page.Locator("main").GetByRole(AriaRole.Alert);
        await Assertions.Expect(alert).ToBeVisibleAsync(PagePatience.Visible);
        await Assertions.Expect(page.Page.Locator("article.machine[data-name='demo-1']")).ToBeVisibleAsync();
        await page.Page.UnrouteAsync("**/native");
        await TabAsync(page, "Summary");
        await Assertions.Expect(page.Page.Locator(".facts")).ToContainTextAsync("Processors");
        await TabAsync(page, "Native");
        await Assertions.Expect(page.Page.Locator("pre.log")).ToContainTextAsync("-uuid", PagePatience.Text);
        await Assertions.Expect(alert).ToHaveCountAsync(0);
    });

    [Fact(Timeout = 90_000)]
    [Feature("UI-31")]
    public Task A_refusal_of_the_server_is_shown_beside_the_field_it_is_about() => fixture.UseAsync("#/create", async page =>
    {
        page.Expect("status of 400");
        page.Expect("status of 409");
        await WholeFormAsync(page);
        await page.Page.GetByLabel("Name").FillAsync("not a/name");
        await page.Button("Create machine").ClickAsync();
        await Assertions.Expect(page.Page.Locator(".field.invalid .field-error")).ToBeVisibleAsync(PagePatience.Visible);

        // A machine that is not there is said to be so, and not an empty page.
        await page.GoAsync("#/machine/local/no-such-machine/summary");
        await Assertions.Expect(page.Page.GetByText("This machine does not exist")).ToBeVisibleAsync();
    });

    [Fact(Timeout = 90_000)]
    [Feature("CON-07")]
    [Feature("CON-17")]
    public Task The_screen_is_drawn_by_noVNC_over_the_pages_own_socket() => fixture.UseAsync("#/", async page =>
    {
        await page.GoToMachineAsync("demo-1", "Screen");
        await Assertions.Expect(page.Page.Locator(".screen-host[data-phase='open']")).ToBeVisibleAsync(PagePatience.Visible);
        int width = await page.Page.Locator(".screen-host canvas").EvaluateAsync<int>("canvas => canvas.width");
        Assert.True(width >= 320, $"The screen is {width} pixels wide.");
        await page.PictureAsync("screen-1400");
    });

    [Fact(Timeout = 90_000)]
    [Feature("UI-20")]
    [Feature("CON-02")]
    public Task The_boot_log_holds_what_the_machine_said_before_anybody_looked() => fixture.UseAsync("#/", async page =>
    {
        await page.GoToMachineAsync("demo-2", "Boot log");
        await Assertions.Expect(page.Page.GetByRole(AriaRole.Log)).ToContainTextAsync(GuestImage.ReadyText, PagePatience.Text);
        await page.PictureAsync("log-1400");
    });

    [Fact(Timeout = 90_000)]
    [Feature("UI-08")]
    public Task The_detail_page_shows_live_metrics_the_configuration_and_the_actions() => fixture.UseAsync("#/", async page =>
    {
        await page.GoToMachineAsync("demo-1", "Summary");
        await Assertions.Expect(page.Page.Locator(".tile").First).ToContainTextAsync("%", PagePatience.Text);
        await Assertions.Expect(page.Page.Locator(".facts")).ToContainTextAsync("Processors");
        await Assertions.Expect(page.Button("Shut down")).ToBeVisibleAsync();
        await page.PictureAsync("summary-1400");

        await TabAsync(page, "Configuration");
        await page.Page.GetByLabel("Labels").FillAsync("demo=true, purpose=test");
        await page.Button("Show the plan").ClickAsync();
        await ApplyAsync(page);
        await TabAsync(page, "Summary");
        await Assertions.Expect(page.Page.Locator(".labels")).ToContainTextAsync("purpose", PagePatience.Text);
    });

    [Fact(Timeout = 90_000)]
    public Task A_disk_is_added_and_removed_once_its_plan_was_shown_and_accepted() => fixture.UseAsync("#/", async page =>
    {
        // A guest hears of what is plugged in and out once its system runs.
        await page.GoToMachineAsync("demo-2", "Console");
        await new TerminalPage(page.Page).WaitForPromptAsync();
        await TabAsync(page, "Disks");
        var rows = page.Page.Locator("tr[data-disk]");
        await Assertions.Expect(rows).ToHaveCountAsync(1, PagePatience.Count);
        string first = await rows.First.GetAttributeAsync("data-disk") ?? "";
        await page.Button("Add disk").ClickAsync();
        await page.Page.GetByRole(AriaRole.Dialog).GetByLabel("Size").FillAsync("32 MiB");
        await page.Page.GetByRole(AriaRole.Dialog).GetByRole(AriaRole.Button, new() { Name = "Show the plan" }).ClickAsync();
        await Assertions.Expect(page.Page.Locator("dialog .plan")).ToContainTextAsync("live", PagePatience.Text);
        await page.PictureAsync("plan-1400");
        await ApplyAsync(page);
        await Assertions.Expect(rows).ToHaveCountAsync(2, PagePatience.Count);

        var added = page.Page.Locator($"tr[data-disk]:not([data-disk='{first}'])");
        await Assertions.Expect(added).ToContainTextAsync("32 MiB");
        await added.GetByRole(AriaRole.Button, new() { Name = "Remove" }).ClickAsync();
        await Assertions.Expect(page.Page.Locator("dialog .effects")).ToContainTextAsync("Data is destroyed", PagePatience.Text);
        await ApplyAsync(page);
        await Assertions.Expect(rows).ToHaveCountAsync(1, PagePatience.Count);
    });

    [Theory(Timeout = 90_000)]
    [InlineData(1400, 880)]
    [InlineData(400, 860)]
    [Feature("UI-28")]
    public Task Every_view_fits_the_window(int width, int height) => fixture.UseAsync("#/", async page =>
    {
        await Assertions.Expect(page.Machine("demo-1")).ToHaveAttributeAsync("data-state", "running", PagePatience.Attribute);
        await Assertions.Expect(page.Machine("demo-1").Locator("td[data-label='CPU']")).ToContainTextAsync("%", PagePatience.Text);
        Assert.Equal(0, await page.OverflowAsync());
        await page.PictureAsync($"machines-{width}");
        foreach (string view in (string[])["create", "events", "tasks", "jobs"])
            await CheckAsync("#/" + view, view);

        await page.GoToMachineAsync("demo-1", "Summary");
        string link = new Uri(page.Page.Url).Fragment;
        foreach (string tab in (string[])["summary", "console", "screen", "snapshots", "disks", "configuration", "metrics", "log", "native"])
            await CheckAsync(link.Replace("/summary", "/" + tab, StringComparison.Ordinal), tab);

        async Task CheckAsync(string view, string name)
        {
            await page.GoAsync(view);
            await Assertions.Expect(page.Page.Locator("main .notice .spinner, main .pane-note .spinner")).ToHaveCountAsync(0, PagePatience.Count);
            await Assertions.Expect(page.Page.Locator("main .notice.bad")).ToHaveCountAsync(0);
            Assert.True(await page.OverflowAsync() == 0, $"{view} is wider than {width} pixels.");
            await page.PictureAsync($"{name}-{width}");
        }
    }, width, height);

    [Fact(Timeout = 60_000)]
    public Task Without_a_session_there_is_only_the_sign_in_page_and_a_wrong_token_is_refused() => fixture.UseAsync("", async page =>
    {
        page.Expect("status of 401");
        await page.Page.GetByLabel("Sign-in token").FillAsync("wrong");
        await page.Button("Sign in").ClickAsync();
        await Assertions.Expect(page.Page.GetByRole(AriaRole.Alert)).ToBeVisibleAsync(PagePatience.Visible);
        await Assertions.Expect(page.Page.Locator(".shell")).ToHaveCountAsync(0);
        await page.PictureAsync("sign-in-1400");
    }, signedIn: false);

    private static async Task DeleteAsync(WatchedPage page, string name)
    {
        await page.Button("Delete").ClickAsync();
        var dialog = page.Page.GetByRole(AriaRole.Dialog);
        await Assertions.Expect(dialog.GetByRole(AriaRole.Button, new() { Name = "Delete" })).ToBeDisabledAsync();
        await dialog.GetByLabel($"Type {name} to confirm").FillAsync(name);
        await dialog.GetByRole(AriaRole.Button, new() { Name = "Delete" }).ClickAsync();
        await Assertions.Expect(page.Page.Locator(".toast[data-state='succeeded']").Filter(new() { HasTextRegex = new Regex($"Delete {name}(?!-)") })).ToBeVisibleAsync(PagePatience.Visible);
        await page.GoAsync("#/");
        await Assertions.Expect(page.Machine(name)).ToHaveCountAsync(0, PagePatience.Count);
    }

    private static Task TabAsync(WatchedPage page, string name) => page.Page.Locator(".tabs").GetByRole(AriaRole.Link, new() { Name = name, Exact = true }).ClickAsync();

    /// <summary>Accepts the plan that is shown, and waits until it is carried out.</summary>
    private static async Task ApplyAsync(WatchedPage page)
    {
        await page.Page.GetByRole(AriaRole.Dialog).GetByRole(AriaRole.Button, new() { Name = "Apply" }).ClickAsync();
        await Assertions.Expect(page.Page.GetByRole(AriaRole.Dialog)).ToHaveCountAsync(0, PagePatience.Count);
    }

    private static async Task<string> LineAsync(WatchedPage page)
    {
        var line = page.Machine("demo-1").Locator(".spark polyline").First;
        return await line.GetAttributeAsync("points") ?? "";
    }

    /// <summary>What busybox's uname -a says: the command itself does not contain it.</summary>
    [GeneratedRegex(@"Linux demo-1 \d+\.\d+\S* .*x86_64 GNU/Linux")]
    private static partial Regex KernelAnswer();

    /// <summary>The line of df about the machine's disk.</summary>
    [GeneratedRegex(@"\d% /data")]
    private static partial Regex DataDisk();
}
