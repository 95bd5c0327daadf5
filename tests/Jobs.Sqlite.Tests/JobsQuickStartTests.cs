using System.Diagnostics;

namespace Hypervisor.Sdk.Jobs.Sqlite.Tests;

/// <summary>The sample, run as its readers do.</summary>
public sealed class JobsQuickStartTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 180_000)]
    public async Task The_sample_makes_its_machines_by_jobs_and_knows_them_when_it_is_started_again()
    {
        using var directory = new TempDirectory();
        string[] first = Completed(await RunAsync(directory["jobs.db"]));
        Assert.Equal(3, first.Length);
        // What ended before is told first; then three more are made, in a data centre that is a new one.
        string[] second = Completed(await RunAsync(directory["jobs.db"]));
        Assert.Equal(6, second.Length);
        Assert.Empty(first.Except(second));
    }

    private static string[] Completed(string said)
    {
        Assert.DoesNotContain("Failed", said, StringComparison.Ordinal);
        return [.. said.Split('\n').Where(line => line.Contains(" Completed ", StringComparison.Ordinal)).Select(line => line.Split(' ')[0]).Distinct()];
    }

    private static async Task<string> RunAsync(string file)
    {
        var start = new ProcessStartInfo(Repository.PathOf("artifacts", "bin", "JobsQuickStart", "debug", "JobsQuickStart"), [file]) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        try
        {
            var errors = process.StandardError.ReadToEndAsync(Token);
            string said = await process.StandardOutput.ReadToEndAsync(Token);
            await process.WaitForExitAsync(Token);
            Assert.True(process.ExitCode == 0, $"It ended with {process.ExitCode}: {said}{await errors}");
            return said;
        }
        finally
        {
            if (!process.HasExited)
                process.Kill();
        }
    }
}
