using Hypervisor.Sdk.Conformance.Tool.Targets;

namespace Hypervisor.Sdk.Conformance.Tests;

public sealed class SimulationConformanceTests
{
    [Feature("CMP-21")]
    [Feature("CMP-22")]
    [Fact(Timeout = 300_000)]
    public async Task The_simulation_keeps_the_contract()
    {
        await using var target = new SimulationTarget();
        await ConformanceRun.PassesAsync(target, new ConformanceOptions { Sequences = 40, SequenceSteps = 20 }, column: "3-simulation");
    }
}
