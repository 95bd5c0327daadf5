using System.Collections.Concurrent;
using Microsoft.Playwright;

namespace Hypervisor.Sdk.Browser.Tests;

/// <summary>A page that remembers every error: on its console (a request that was refused is one), or thrown in it.</summary>
internal sealed class WatchedPage
{
    private static readonly string Pictures = Repository.PathOf("artifacts", "screenshots");

    private readonly ConcurrentQueue<string> _errors = new();
    private readonly List<string> _expected = [];

    public WatchedPage(IPage page)
    {
        Page = page;
        page.Console += (_, message) =>
        {
            if (message.Type is "error" or "warning" && !_expected.Any(expected => message.Text.Contains(expected, StringComparison.Ordinal)))
                _errors.Enqueue($"console {message.Type}: {message.Text} ({message.Location})");
        };
        page.PageError += (_, error) => _errors.Enqueue($"thrown: {error}");
    }

    public IPage Page { get; }

    /// <summary>What went wrong in the page, a line each; empty when nothing did.</summary>
    public string Errors => string.Join('\n', _errors);

    /// <summary>The row or card of a machine in the list.</summary>
    public ILocator Machine(string name) => Page.Locator($"main [data-name='{name}']");

    public ILocator Button(string name, bool exact = true) => Page.GetByRole(AriaRole.Button, new() { Name = name, Exact = exact });

    /// <summary>The browser itself reports answers that say no; a test that provokes one says which.</summary>
    public void Expect(string consoleText) => _expected.Add(consoleText);

    /// <summary>Goes to a view of the page without loading it anew.</summary>
    public Task GoAsync(string view) => Page.EvaluateAsync("view => { window.location.hash = view; }", view);

    /// <summary>Goes to a machine's tab, waiting for its heading.</summary>
    public async Task GoToMachineAsync(string name, string tab)
    {
        await GoAsync("#/");
        await Machine(name).GetByRole(AriaRole.Link, new() { Name = name, Exact = true }).ClickAsync();
        await Assertions.Expect(Page.Locator($"article.machine[data-name='{name}']")).ToBeVisibleAsync(PagePatience.Visible);
        await Page.Locator(".tabs").GetByRole(AriaRole.Link, new() { Name = tab, Exact = true }).ClickAsync();
    }

    /// <summary>Saves artifacts/screenshots/NAME.png.</summary>
    public async Task PictureAsync(string name)
    {
        Directory.CreateDirectory(Pictures);
        await Page.ScreenshotAsync(new() { Path = Path.Combine(Pictures, name + ".png"), Animations = ScreenshotAnimations.Disabled });
    }

    /// <summary>How far the page is wider than its window, or the content than its place in it: a page that fits says 0.</summary>
    public Task<int> OverflowAsync() => Page.EvaluateAsync<int>("""
        () => {
          const main = document.querySelector('main');
          return Math.max(0, document.documentElement.scrollWidth - window.innerWidth, main ? main.scrollWidth - main.clientWidth : 0);
        }
        """);

    /// <summary>The colours that an element is drawn with, each 0 to 255: its text, and the first background at or above it that can be seen.</summary>
    public async Task<(int[] Text, int[] Background)> ColoursAsync(string selector)
    {
        int[] colours = await Page.Locator(selector).First.EvaluateAsync<int[]>("""
            element => {
              const numbers = (text) => text.match(/[\d.]+/g).map(Number);
              let behind = element;
              while (behind.parentElement && (numbers(getComputedStyle(behind).backgroundColor)[3] ?? 1) < 0.5) {
                behind = behind.parentElement;
              }
              return [...numbers(getComputedStyle(element).color).slice(0, 3), ...numbers(getComputedStyle(behind).backgroundColor).slice(0, 3)].map(Math.round);
            }
            """);
        return (colours[..3], colours[3..]);
    }
}
