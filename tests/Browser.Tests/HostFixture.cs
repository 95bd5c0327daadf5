using Microsoft.Playwright;

namespace Hypervisor.Sdk.Browser.Tests;

/// <summary>A host and one browser, signed in once (a token is good for one sign-in), for all tests of a class.</summary>
public abstract class HostFixture : IAsyncLifetime
{
    private IServedHost? _host;
    private IPlaywright? _playwright;
    private IBrowser? _browser;
    private string? _signedIn;

    /// <summary>The address of the host, without the token.</summary>
    public Uri Root { get; private set; } = null!;

    /// <summary>What the host has printed.</summary>
    public string HostOutput => _host?.Said ?? "";

    public async ValueTask InitializeAsync()
    {
        string chromium = RealPeer.Program("chromium");
        await PageBuild.EnsureAsync();
        _host = await StartHostAsync(TestContext.Current.CancellationToken);
        Root = _host.Root;
        _playwright = await Playwright.CreateAsync();
        // Chromium's own sandbox does not work as root; what it shows is ours.
        _browser = await _playwright.Chromium.LaunchAsync(new() { ExecutablePath = chromium, Args = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"] });
        await UseAsync(_host.SignIn.AbsoluteUri, async page =>
        {
            await ExpectReadyAsync(page);
            Assert.DoesNotContain("token", page.Page.Url, StringComparison.Ordinal);
            _signedIn = await page.Page.Context.StorageStateAsync();
        });
    }

    internal abstract Task<IServedHost> StartHostAsync(CancellationToken cancellationToken);

    /// <summary>Waits until the page shows what it has of the host.</summary>
    internal abstract Task ExpectReadyAsync(WatchedPage page);

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

    public virtual async ValueTask DisposeAsync()
    {
        if (_browser is not null)
            await _browser.DisposeAsync();
        _playwright?.Dispose();
        if (_host is not null)
            await _host.DisposeAsync();
        GC.SuppressFinalize(this);
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
