using System.Text.RegularExpressions;
using Microsoft.Playwright;

namespace Hypervisor.Sdk.Browser.Tests;

/// <summary>The terminal of a page: types as a person does and reads what is drawn.</summary>
internal sealed class TerminalPage(IPage page)
{
    private ILocator Rows => page.Locator(".xterm-rows");

    /// <summary>Waits until the console is open and the guest's shell waits for a command.</summary>
    public async Task WaitForPromptAsync()
    {
        await Assertions.Expect(page.Locator(".terminal[data-phase='open']")).ToBeVisibleAsync(PagePatience.Visible);
        await Assertions.Expect(Rows).ToContainTextAsync(GuestImage.Prompt, PagePatience.Text);
    }

    public async Task TypeAsync(string line)
    {
        await page.Locator(".xterm-helper-textarea").FocusAsync();
        // The guest's shell asks the terminal where it stands; an answer that comes in pieces is taken for typed, and is cleared first.
        await page.Keyboard.PressAsync("Control+u");
        await page.Keyboard.TypeAsync(line);
        await page.Keyboard.PressAsync("Enter");
    }

    /// <summary>Waits until the screen holds the text.</summary>
    public Task ExpectAsync(string text) => Assertions.Expect(Rows).ToContainTextAsync(text, PagePatience.Text);

    /// <summary>Waits until the screen holds a match.</summary>
    public Task ExpectAsync(Regex text) => Assertions.Expect(Rows).ToContainTextAsync(text, PagePatience.Text);
}
