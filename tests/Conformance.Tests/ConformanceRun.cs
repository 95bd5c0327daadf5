using System.Text;

namespace Hypervisor.Sdk.Conformance.Tests;

/// <summary>Runs the kit on a target inside a test.</summary>
internal static class ConformanceRun
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>Runs all checks that the options select, and fails with the message of each that failed.</summary>
    /// <param name="target">What is checked.</param>
    /// <param name="options">How.</param>
    /// <param name="column">The name of its report, from which ./test makes the feature matrix; null where it is no column.</param>
    public static async Task<ConformanceReport> PassesAsync(ConformanceTarget target, ConformanceOptions? options = null, string? column = null)
    {
        await using var runner = new CheckRunner(target, options);
        var report = await runner.RunAsync(result => TestContext.Current.TestOutputHelper?.WriteLine($"{result.Id} {result.Outcome} {result.Took.TotalSeconds:0.00} s {result.Message}"), Token);
        if (column is not null)
            await File.WriteAllTextAsync(Path.Combine(Directory.CreateDirectory(Repository.PathOf("artifacts", "conformance")).FullName, column + ".json"), report.ToJson() + "\n", Token);
        if (!report.IsConformant)
            Assert.Fail(FailuresOf(report));
        Assert.All(report.Results.Where(result => result.Outcome == CheckOutcome.Skipped), result => Assert.False(string.IsNullOrWhiteSpace(result.Message)));
        return report;
    }

    private static string FailuresOf(ConformanceReport report)
    {
        var text = new StringBuilder().AppendLine($"{report.Target}: {report.Count(CheckOutcome.Failed)} of {report.Results.Count} checks failed.");
        foreach (var result in report.Results.Where(result => result.Outcome == CheckOutcome.Failed))
            text.AppendLine($"{result.Id} {result.Sentence}\n    {result.Message}");
        return text.ToString();
    }
}
