using System.Diagnostics;
using Microsoft.Playwright;

namespace Hypervisor.Sdk.Browser.Tests;

/// <summary>One host with two running machines and one browser, signed in once (a token is good for one sign-in), for all tests of the page.</summary>
public sealed class PageFixture : IAsyncLifetime
{
    private ReferenceHostProcess? _host;
    private IPlaywright? _playwright;
    private IBrowser? _browser;
    private string? _signedIn;

    /// <summary>The address of the host, without the token.</summary>
    public Uri Root { get; private set; } = null!;

    /// <summary>What the host has printed.</summary>
    public string HostOutput => _host?.Said ?? "";

    public async ValueTask InitializeAsync()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        string chromium = RealPeer.Program("chromium");
        RealPeer.Program("qemu-system-x86_64");
        await PageBuild.EnsureAsync();
        var guest = await GuestImage.GetAsync(cancellationToken);
        _host = await ReferenceHostProcess.StartAsync(guest.DirectoryPath, cancellationToken);
        Root = _host.Root;
        _playwright = await Playwright.CreateAsync();
        // Chromium's own sandbox does not work as root; what it shows is ours.
        _browser = await _playwright.Chromium.LaunchAsync(new() { ExecutablePath = chromium, Args = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"] });
        await UseAsync(_host.SignIn.AbsoluteUri, async page =>
        {
            await Assertions.Expect(page.Machine("demo-1")).ToBeVisibleAsync(PagePatience.Visible);
            Assert.DoesNotContain("token", page.Page.Url, StringComparison.Ordinal);
            _signedIn = await page.Page.Context.StorageStateAsync();
        });
    }

    /// <summary>
    /// Does something on a page of its own, at a view such as <c>#/create</c>. Fails when the page has reported an error, whatever else went well; a failure leaves a picture in artifacts/screenshots.
    /// </summary>
    internal async Task UseAsync(string view, Func<WatchedPage, Task> use, int width = 1400, int height = 880, bool signedIn = true)
    {
        var page = await OpenAsync(view, width, height, signedIn ? _signedIn : null);
        try
        {
            await use(page);
            Assert.True(page.Errors.Length == 0, "The page reported errors:\n" + page.Errors);
        }
        catch (Exception failure)
        {
            await page.PictureAsync("failed-" + TestContext.Current.TestMethod?.MethodName);
            if (page.Errors.Length == 0)
                throw;
            throw new InvalidOperationException($"The page reported errors:\n{page.Errors}\n{failure.Message}", failure);
        }
        finally
        {
            await page.Page.Context.CloseAsync();
        }
    }

    /// <summary>Ends the process of a machine of this fixture's host, as somebody on the host might: the one whose arguments have the machine's id.</summary>
    internal static void KillMachine(string id)
    {
        using var process = Process.GetProcessById(PidOf(id));
        process.Kill();
    }

    /// <summary>Holds the process of a machine: whatever is asked of it waits until it is killed.</summary>
    internal static async Task HoldMachineAsync(string id)
    {
        using var kill = Process.Start("kill", ["-STOP", PidOf(id).ToString(System.Globalization.CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(0, kill.ExitCode);
    }

    private static int PidOf(string id)
    {
        string name = $"guest={id},";
        return Directory.EnumerateDirectories("/proc").Select(directory => int.TryParse(Path.GetFileName(directory), out int number) ? number : 0).Single(number => number > 0 && Arguments(number).Contains(name, StringComparison.Ordinal));

        static string Arguments(int pid)
        {
            try
            {
                return File.ReadAllText($"/proc/{pid}/cmdline");
            }
            catch (IOException)
            {
                // It has ended since it was listed.
                return "";
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_browser is not null)
            await _browser.DisposeAsync();
        _playwright?.Dispose();
        if (_host is not null)
            await _host.DisposeAsync();
    }

    private async Task<WatchedPage> OpenAsync(string view, int width, int height, string? state)
    {
        var context = await _browser!.NewContextAsync(new() { ViewportSize = new() { Width = width, Height = height }, HasTouch = width < 600, StorageState = state });
        context.SetDefaultTimeout(20_000);
        var page = new WatchedPage(await context.NewPageAsync());
        await page.Page.GotoAsync(view.StartsWith("http", StringComparison.Ordinal) ? view : new Uri(Root, view).AbsoluteUri);
        return page;
    }
}
