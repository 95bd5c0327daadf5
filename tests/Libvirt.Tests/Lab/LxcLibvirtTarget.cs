using Hypervisor.Sdk.Conformance;

namespace Hypervisor.Sdk.Libvirt.Tests.Lab;

/// <summary>The LXC driver of the lab's daemon. Instances are containers of busybox whose init ends when it is told to.</summary>
internal sealed class LxcLibvirtTarget(Libvirtd libvirtd, string name, string prefix, string root, LibvirtConnection outside) : LibvirtTarget(libvirtd, name, prefix, "lxc:///", outside)
{
    public override IGuestFaults? Guests => null;

    public override PoolName? Pool => PoolName.Parse("default");

    public override InstanceSpec NewInstance(InstanceName name) => new ContainerSpec { Name = name, Image = root, CpuLimit = 1, MemoryLimit = ByteSize.FromMiB(64) };

    /// <summary>The first program of a container heeds only the signals that it has asked for, and this one has asked for none.</summary>
    public override InstanceSpec NewDeafGuest(InstanceName name)
    {
        var spec = (ContainerSpec)NewInstance(name);
        spec.Flavor = ContainerFlavor.Application;
        spec.Entrypoint.Add("/bin/sleep");
        spec.Command.Add("100000");
        return spec;
    }

    public override InstanceSpec? NewInstanceFor(Capability capability, InstanceName name) => capability == Capability.NetworkMetrics ? null : NewInstance(name);

    /// <summary>The number of a run is the process that holds the container.</summary>
    public override async Task<bool?> IsAcceleratedAsync(InstanceId running, CancellationToken cancellationToken) =>
        (await Outside.DomainLookupByUuidAsync(Guid.Parse(running.ToString()), cancellationToken)).Id is > 0 and var process && File.Exists($"/proc/{process}/stat");

    public override string? WhyNot(ConformanceAbility ability) => ability switch
    {
        ConformanceAbility.CrashGuests => "Of a container that has ended by itself libvirt says no more than that it was shut down.",
        ConformanceAbility.FreezeGuests => "Nothing stands between the daemon and a container that could stop answering.",
        ConformanceAbility.BootGuests => "A container has no agent, and the daemon runs commands in one only for those on its host.",
        ConformanceAbility.AttachDisks => "This driver mounts nothing but the root of a container over libvirt.",
        ConformanceAbility.CutNodes => "A daemon is one node.",
        _ => null,
    };

    protected override LibvirtBackendOptions Options(BackendName name, string socket) => new()
    {
        Name = name.ToString(), Uri = $"lxc+unix:///?socket={socket}", Connection = new LibvirtOptions { MaxClientRequests = Libvirtd.MaxClientRequests },
    };
}
