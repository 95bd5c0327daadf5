using Microsoft.Playwright;

namespace Hypervisor.Sdk.Browser.Tests;

/// <summary>How long a test waits for what the page is to show. Machines boot under emulation, beside other tests.</summary>
internal static class PagePatience
{
    public const float Milliseconds = 30_000;

    public static LocatorAssertionsToBeVisibleOptions Visible { get; } = new() { Timeout = Milliseconds };

    public static LocatorAssertionsToContainTextOptions Text { get; } = new() { Timeout = Milliseconds };

    public static LocatorAssertionsToHaveAttributeOptions Attribute { get; } = new() { Timeout = Milliseconds };

    public static LocatorAssertionsToHaveCountOptions Count { get; } = new() { Timeout = Milliseconds };
}
