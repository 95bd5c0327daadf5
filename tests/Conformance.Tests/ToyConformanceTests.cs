using Hypervisor.Sdk.Samples.ToyDriver;

namespace Hypervisor.Sdk.Conformance.Tests;

public sealed class ToyConformanceTests
{
    [Fact(Timeout = 180_000)]
    public async Task A_driver_of_fewer_than_three_hundred_lines_keeps_the_contract()
    {
        int lines = Directory.EnumerateFiles(Repository.PathOf("samples", "ToyDriver"), "*.cs").Sum(file => File.ReadLines(file).Count());
        Assert.InRange(lines, 1, 299);
        await using var target = new ToyTarget();
        var report = await ConformanceRun.PassesAsync(target);
        Assert.True(report.Count(CheckOutcome.Passed) > 90, $"Only {report.Count(CheckOutcome.Passed)} checks were passed; the others were skipped.");
    }
}
