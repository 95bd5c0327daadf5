using System.Collections.Concurrent;
using Hypervisor.Sdk.Simulation;

namespace Hypervisor.Sdk.Conformance.Tool.Targets;

/// <summary>A data centre in memory. Its guests do not heed the power button.</summary>
public sealed class SimulationTarget : ConformanceTarget
{
    private readonly ConcurrentDictionary<BackendName, SimulatedDatacenter> _datacenters = [];

    /// <inheritdoc />
    public override string Name => "simulation";

    /// <inheritdoc />
    public override Task<IBackend> ConnectAsync(BackendName name, CancellationToken cancellationToken) => Task.FromResult(_datacenters.GetOrAdd(name, Create).Connect());

    /// <inheritdoc />
    public override InstanceSpec NewInstance(InstanceName name)
    {
        var spec = new VirtualMachineSpec { Name = name, Sizing = new Sizing.Explicit(1, ByteSize.FromMiB(64)) };
        spec.Disks.Add(new DiskSpec { Content = new DiskContent.Blank(ByteSize.FromMiB(8)) });
        return spec;
    }

    /// <inheritdoc />
    public override InstanceSpec NewDeafGuest(InstanceName name) => NewInstance(name);

    /// <inheritdoc />
    public override string? WhyNot(ConformanceAbility ability) => "The simulation is not asked for it yet.";

    /// <inheritdoc />
    public override async ValueTask DisposeAsync()
    {
        foreach (var datacenter in _datacenters.Values)
            await datacenter.DisposeAsync();
        await base.DisposeAsync();
    }

    private static SimulatedDatacenter Create(BackendName name) => new(options =>
    {
        options.Name = name.ToString();
        options.Guests.DeafShare = 1;
        options.AddNode("node1").AddNode("node2");
    });
}
