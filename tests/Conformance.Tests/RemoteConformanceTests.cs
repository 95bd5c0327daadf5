using Hypervisor.Sdk.Conformance.Tool.Targets;

namespace Hypervisor.Sdk.Conformance.Tests;

/// <summary>A backend of another process keeps the contract as the same backend does in this one.</summary>
public sealed class RemoteConformanceTests
{
    [Theory(Timeout = 300_000)]
    [InlineData(InstanceKind.VirtualMachine)]
    [InlineData(InstanceKind.Container)]
    public async Task What_a_backend_can_do_it_can_do_over_a_connection(InstanceKind kind)
    {
        // EVT-04 takes what one subscription was told for offered to another one, which two streams of one connection do not promise: EventQueueTests show what the check is about.
        var options = new ConformanceOptions { Only = [.. ConformanceChecks.All.Select(check => check.Id).Where(id => id != "EVT-04")], IncludeLong = true, Sequences = 10, SequenceSteps = 20 };
        ConformanceReport direct, remote;
        await using (var target = new SimulationTarget(kind))
            direct = await ConformanceRun.PassesAsync(target, options);
        await using (var target = new RemoteTarget(new SimulationTarget(kind)))
            remote = await ConformanceRun.PassesAsync(target, options);
        // The same checks, passed or skipped: nothing is there that is not there directly, and nothing is missing.
        Assert.Equal(direct.Results.Select(result => $"{result.Id} {result.Outcome}"), remote.Results.Select(result => $"{result.Id} {result.Outcome}"));
    }
}
