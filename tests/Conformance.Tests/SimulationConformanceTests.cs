using Hypervisor.Sdk.Conformance.Tool.Targets;

namespace Hypervisor.Sdk.Conformance.Tests;

public sealed class SimulationConformanceTests
{
    /// <summary>What the kit found in the simulation and is not mended yet. A deviation that is not named here fails the test.</summary>
    private static readonly string[] s_known = ["DISP-03", "LIFE-21", "CANC-01", "NAME-02", "ERR-04", "RECO-01", "RECO-03", "FEAT-14", "STOR-09", "STOR-10", "STOR-12", "CAP-13", "CAP-14", "CAP-30"];

    [Fact(Timeout = 300_000)]
    public async Task The_simulation_keeps_the_contract_but_for_what_is_named()
    {
        await using var target = new SimulationTarget();
        await using var runner = new CheckRunner(target, new ConformanceOptions { Sequences = 40, SequenceSteps = 20 });
        var failed = new List<string>();
        foreach (var check in runner.Selected().Where(check => !s_known.Contains(check.Id)))
        {
            var result = await runner.RunAsync(check, TestContext.Current.CancellationToken);
            if (result.Outcome == CheckOutcome.Failed)
                failed.Add($"{result.Id} {result.Message}");
        }

        Assert.Empty(failed);
    }
}
