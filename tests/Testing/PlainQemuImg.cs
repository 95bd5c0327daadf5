using System.Diagnostics;
using Xunit;

namespace Hypervisor.Sdk.Testing;

/// <summary>qemu-img as a test calls it for itself.</summary>
public static class PlainQemuImg
{
    private const int MaxTries = 40;

    /// <summary>Runs it to its good end.</summary>
    /// <param name="workingDirectory">Where; null for here.</param>
    /// <param name="arguments">Its arguments.</param>
    public static async Task RunAsync(string? workingDirectory, params string[] arguments)
    {
        for (int tries = 1; ; tries++)
        {
            var start = new ProcessStartInfo(RealPeer.Program("qemu-img"), arguments) { RedirectStandardError = true, WorkingDirectory = workingDirectory ?? "" };
            using var process = Process.Start(start)!;
            string said = await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
            await process.WaitForExitAsync(TestContext.Current.CancellationToken);
            if (process.ExitCode == 0)
                return;
            // On a busy machine it measures no time of its own before it encrypts, and gives up.
            Assert.True(tries < MaxTries && said.Contains("Unable to get accurate CPU usage", StringComparison.Ordinal), $"qemu-img {string.Join(' ', arguments)}: {said}");
        }
    }
}
