using System.Diagnostics;

namespace Hypervisor.Sdk.Browser.Tests;

/// <summary>Builds the page once for all tests, where it is not built or an input is newer.</summary>
internal static class PageBuild
{
    private static readonly Lazy<Task<string?>> Built = new(BuildAsync);

    /// <summary>Returns when the page is there; skips the test, or fails it in CI, where it cannot be built.</summary>
    public static async Task EnsureAsync()
    {
        if (await Built.Value.WaitAsync(TestContext.Current.CancellationToken) is { } failure)
            RealPeer.Absent(failure);
    }

    private static async Task<string?> BuildAsync()
    {
        if (RealPeer.FindProgram("npm") is null)
            return "the program 'npm' is not on PATH";

        var start = new ProcessStartInfo(Repository.PathOf("eng", "build-page")) { RedirectStandardError = true };
        using var process = Process.Start(start)!;
        string errors = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return process.ExitCode == 0 ? null : $"eng/build-page ended with {process.ExitCode}: {errors}";
    }
}
