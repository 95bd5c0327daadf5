using Hypervisor.Sdk.Conformance;
using Hypervisor.Sdk.Libvirt.Protocol;

namespace Hypervisor.Sdk.Libvirt.Tests.Lab;

/// <summary>A driver of the lab's daemon, checked by the kit. Connections that are to be disturbed go through a relay.</summary>
internal class LibvirtTarget(Libvirtd libvirtd, string name, string prefix, string opened, LibvirtConnection outside) : ConformanceTarget, IConnectionFaults, IGuestFaults
{
    private readonly LossyRelay _relay = new(libvirtd.PathOf($"lossy-{Guid.NewGuid().ToString("N")[..8]}"), libvirtd.Socket);

    public override string Name => name;

    public override string Prefix => prefix;

    public override double Patience => 3;

    public override IConnectionFaults Connection => this;

    public override IGuestFaults? Guests => this;

    protected Libvirtd Libvirtd => libvirtd;

    /// <summary>A connection of the test's own.</summary>
    protected LibvirtConnection Outside => outside;

    public virtual Func<InstanceId, CancellationToken, Task>? FreezeAsync => null;

    public override async Task<IBackend> ConnectAsync(BackendName name, CancellationToken cancellationToken) => await LibvirtBackend.ConnectAsync(Options(name, libvirtd.Socket), cancellationToken);

    async Task<IBackend> IConnectionFaults.ConnectAsync(BackendName name, CancellationToken cancellationToken) => await LibvirtBackend.ConnectAsync(Options(name, _relay.Path), cancellationToken);

    public void LoseNextReply(LostReply when) => _relay.LoseNextReply(when);

    public Task BreakAsync(CancellationToken cancellationToken)
    {
        _relay.Break();
        return Task.CompletedTask;
    }

    public override InstanceSpec NewInstance(InstanceName name) => new VirtualMachineSpec { Name = name, Sizing = new Sizing.Explicit(1, ByteSize.FromMiB(32)), Disks = { new DiskSpec { Content = new DiskContent.Blank(ByteSize.FromMiB(4)) } } };

    public override InstanceSpec? NewInstanceFor(Capability capability, InstanceName name)
    {
        var spec = (VirtualMachineSpec)NewInstance(name);
        spec.Sizing = new Sizing.Explicit(1, ByteSize.FromMiB(32)) { MaxCpus = 4 };
        return spec;
    }

    public virtual async Task CrashAsync(InstanceId id, CancellationToken cancellationToken)
    {
        var domain = await outside.DomainLookupByUuidAsync(Guid.Parse(id.ToString()), cancellationToken);
        const uint Crash = 1;
        await outside.DomainCoreDumpAsync(domain, "/dev/null", Crash, cancellationToken);
    }

    public virtual Task ThawAsync(InstanceId id, CancellationToken cancellationToken) => Task.CompletedTask;

    public override Task<bool?> IsAcceleratedAsync(InstanceId running, CancellationToken cancellationToken) => Task.FromResult<bool?>(false);

    public override string? WhyNot(ConformanceAbility ability) => ability switch
    {
        ConformanceAbility.AttachDisks => "Files beside the daemon's pools are tested on its QEMU driver.",
        ConformanceAbility.FreezeGuests or ConformanceAbility.DeafGuests => "libvirt's test driver runs no guests: all of them heed the power button, and none stops answering.",
        _ => "It is not part of this run.",
    };

    public override async ValueTask DisposeAsync()
    {
        await _relay.DisposeAsync();
        await outside.DisposeAsync();
        await base.DisposeAsync();
    }

    protected virtual LibvirtBackendOptions Options(BackendName name, string socket) => new()
    {
        Name = name.ToString(), Uri = $"test+unix:///x?socket={socket}&name={Uri.EscapeDataString(opened)}", Pool = PoolName.Parse("default-pool"), Connection = new LibvirtOptions { MaxClientRequests = Libvirtd.MaxClientRequests },
    };
}
