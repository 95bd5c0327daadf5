using Hypervisor.Sdk.Conformance.Tool.Targets;
using Hypervisor.Sdk.Simulation;

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

    [Fact(Timeout = 300_000)]
    public async Task The_simulation_keeps_the_contract_with_containers()
    {
        await using var target = new SimulationTarget(InstanceKind.Container);
        await ConformanceRun.PassesAsync(target, new ConformanceOptions { Sequences = 40, SequenceSteps = 20 }, column: "4-simulation-containers");
        await ConformanceRun.PassesAsync(target, new ConformanceOptions { Only = ["FEAT"], IncludeLong = true });
    }

    [Fact(Timeout = 120_000)]
    public async Task A_backend_whose_ids_are_names_keeps_what_is_said_of_plans()
    {
        await using var target = new SimulationTarget(InstanceKind.Container, SimulationPersonality.Lxd);
        var report = await ConformanceRun.PassesAsync(target, new ConformanceOptions { Only = ["PLAN", "REV", "REQ", "CLON", "RECO"] });
        Assert.Equal(CheckOutcome.Passed, report.Results.Single(result => result.Id == "PLAN-03").Outcome);
    }
}
