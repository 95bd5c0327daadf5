using System.Collections.Concurrent;
using Hypervisor.Sdk.Simulation;

namespace Hypervisor.Sdk.Conformance.Tool.Targets;

/// <summary>A data centre in memory, with its faults. Its guests do not heed the power button; its time moves when somebody waits.</summary>
/// <param name="kind">Whether its instances are machines or containers.</param>
/// <param name="personality">Which backend it behaves like. Default: the one that can do everything.</param>
public sealed class SimulationTarget(InstanceKind kind = InstanceKind.VirtualMachine, SimulationPersonality? personality = null) : ConformanceTarget, IConnectionFaults, IGuestFaults, INodeFaults
{
    private readonly SimulationPersonality _personality = personality ?? SimulationPersonality.Generic;
    private static readonly TimeSpan s_cut = TimeSpan.FromMinutes(1);
    private readonly ConcurrentDictionary<BackendName, SimulatedDatacenter> _datacenters = [];
    private BackendName _disturbed;

    /// <inheritdoc />
    public override string Name => (kind == InstanceKind.Container ? "simulation, containers" : "simulation") + (personality is null ? "" : $" of {personality.Name}");

    /// <inheritdoc />
    public override PoolName? Pool => _personality.HasPools ? PoolName.Parse("hvconf") : null;

    /// <inheritdoc />
    public override IConnectionFaults Connection => this;

    /// <inheritdoc />
    public override IGuestFaults Guests => this;

    /// <inheritdoc />
    public override INodeFaults? Nodes => _personality.HasNodes ? this : null;

    /// <inheritdoc />
    public Func<InstanceId, CancellationToken, Task>? FreezeAsync => null;

    private SimulatedDatacenter Own => _datacenters.GetOrAdd(BackendName.Parse("conformance"), Create);

    /// <inheritdoc />
    public override Task<IBackend> ConnectAsync(BackendName name, CancellationToken cancellationToken) => Task.FromResult(_datacenters.GetOrAdd(name, Create).Connect());

    /// <inheritdoc />
    public override async Task<IBackend?> ConnectElsewhereAsync(BackendName name, CancellationToken cancellationToken) => await ConnectAsync(name, cancellationToken);

    Task<IBackend> IConnectionFaults.ConnectAsync(BackendName name, CancellationToken cancellationToken)
    {
        _disturbed = name;
        return ConnectAsync(name, cancellationToken);
    }

    /// <inheritdoc />
    public override InstanceSpec NewInstance(InstanceName name)
    {
        if (kind == InstanceKind.Container)
        {
            var container = new ContainerSpec { Name = name, Image = "debian/12", CpuLimit = 1, MemoryLimit = ByteSize.FromMiB(64) };
            container.Mounts.Add(new MountSpec { Target = "/data", Source = new DiskContent.Blank(ByteSize.FromMiB(8)) });
            return container;
        }

        var spec = new VirtualMachineSpec { Name = name, Sizing = new Sizing.Explicit(1, ByteSize.FromMiB(64)) { MaxCpus = 4, MaxMemory = ByteSize.FromMiB(512) } };
        spec.Disks.Add(new DiskSpec { Content = new DiskContent.Blank(ByteSize.FromMiB(8)) });
        return spec;
    }

    /// <inheritdoc />
    public override InstanceSpec NewDeafGuest(InstanceName name) => NewInstance(name);

    /// <inheritdoc />
    public override InstanceSpec NewGuest(InstanceName name) => NewInstance(name);

    /// <inheritdoc />
    public override InstanceSpec NewInstanceFor(Capability capability, InstanceName name)
    {
        var spec = NewInstance(name);
        // Where memory goes in pieces, it is one piece that is added.
        if (capability == Capability.HotplugMemory && spec is VirtualMachineSpec grown)
            grown.Sizing = new Sizing.Explicit(1, ByteSize.FromMiB(128)) { MaxCpus = 4, MaxMemory = ByteSize.FromMiB(512) };
        if (capability == Capability.ChangeMedia && spec is VirtualMachineSpec machine)
            machine.Disks.Add(new DiskSpec { Content = new DiskContent.Cd("conformance.iso") });
        if (capability != Capability.LiveMigration)
            return spec;
        var shared = new DiskContent.Attached(new VolumeAttachment.File("/shared/disk.raw", "raw"));
        if (spec is ContainerSpec container)
            container.Mounts[0].Source = shared;
        else
            ((VirtualMachineSpec)spec).Disks[0].Content = shared;
        return spec;
    }

    /// <inheritdoc />
    public override Task<bool?> IsAcceleratedAsync(InstanceId running, CancellationToken cancellationToken) => Task.FromResult<bool?>(false);

    /// <inheritdoc />
    public override Task PassTimeAsync(TimeSpan time, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        foreach (var datacenter in _datacenters.Values)
            datacenter.Clock.Advance(TimeSpan.FromSeconds(1));
        return Task.Delay(TimeSpan.FromMilliseconds(1), cancellationToken);
    }

    /// <inheritdoc />
    public override string? WhyNot(ConformanceAbility ability) => ability switch
    {
        ConformanceAbility.FreezeGuests => "What runs a simulated instance always answers.",
        ConformanceAbility.CutNodes => "The backend is one node.",
        ConformanceAbility.AttachDisks => "Nothing lies outside of the simulation.",
        _ => null,
    };

    /// <inheritdoc />
    public void LoseNextReply(LostReply when) => _ = when == LostReply.BeforeEffect ? _datacenters[_disturbed].Faults.LoseRequests().Times(1) : _datacenters[_disturbed].Faults.LoseReplies().Times(1);

    /// <inheritdoc />
    public Task BreakAsync(CancellationToken cancellationToken)
    {
        _datacenters[_disturbed].Faults.Disconnect().Now();
        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public Task CrashAsync(InstanceId id, CancellationToken cancellationToken)
    {
        Own.Faults.Kill(id).Now();
        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public Task ThawAsync(InstanceId id, CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc />
    public Task CutAsync(NodeName node, CancellationToken cancellationToken)
    {
        Own.Faults.Partition(node.ToString()).For(s_cut).Now();
        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public Task HealAsync(NodeName node, CancellationToken cancellationToken)
    {
        Own.Clock.Advance(s_cut);
        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public override async ValueTask DisposeAsync()
    {
        foreach (var datacenter in _datacenters.Values)
            await datacenter.DisposeAsync();
        await base.DisposeAsync();
    }

    private SimulatedDatacenter Create(BackendName name) => new(options =>
    {
        options.Name = name.ToString();
        options.Personality = _personality;
        options.Guests.DeafShare = 1;
        options.FindBackend = (other, _) => _datacenters.TryGetValue(other, out var found)
            ? ValueTask.FromResult(found.Backend)
            : throw new HypervisorException($"There is no backend '{other}'.", ErrorCode.NotFound, RequestOutcome.NotSent);
        options.AddImage("debian/12", ByteSize.FromMiB(8)).AddImage("conformance.iso", ByteSize.FromMiB(1)).AddNode("node1").AddPool("hvconf");
        if (_personality.HasNodes)
            options.AddNode("node2");
    });
}
