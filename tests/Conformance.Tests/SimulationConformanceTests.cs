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

    [Theory(Timeout = 300_000)]
    [InlineData("qemu", "virtual-machine")]
    [InlineData("proxmox", "virtual-machine")]
    [InlineData("proxmox", "container")]
    [InlineData("lxd", "virtual-machine")]
    [InlineData("lxd", "container")]
    [InlineData("libvirt", "virtual-machine")]
    public async Task The_simulation_keeps_the_contract_whichever_backend_it_behaves_like(string personality, string kind)
    {
        await using var target = new SimulationTarget(kind == "container" ? InstanceKind.Container : InstanceKind.VirtualMachine, personality switch
        {
            "qemu" => SimulationPersonality.Qemu,
            "proxmox" => SimulationPersonality.Proxmox,
            "lxd" => SimulationPersonality.Lxd,
            _ => SimulationPersonality.Libvirt,
        });
        var report = await ConformanceRun.PassesAsync(target, new ConformanceOptions { IncludeLong = true });
        Assert.True(report.Count(CheckOutcome.Passed) > 90, $"Only {report.Count(CheckOutcome.Passed)} checks were passed; the others were skipped.");
    }

    [Fact(Timeout = 900_000)]
    [Speed(SpeedAttribute.Full)]
    public async Task The_simulation_keeps_the_contract_at_length()
    {
        await using var target = new SimulationTarget();
        await ConformanceRun.PassesAsync(target, new ConformanceOptions { IncludeLong = true, Seed = 2, Sequences = 400, SequenceSteps = 40 });
    }
}
