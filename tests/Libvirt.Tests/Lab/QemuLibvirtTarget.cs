using System.Diagnostics;
using System.Globalization;
using Hypervisor.Sdk.Conformance;
using Hypervisor.Sdk.Libvirt.Protocol;

namespace Hypervisor.Sdk.Libvirt.Tests.Lab;

/// <summary>The QEMU driver of the lab's daemon. Instances are empty machines whose BIOS finds nothing to boot: they take no time, and heed no power button.</summary>
internal sealed class QemuLibvirtTarget(Libvirtd libvirtd, string name, string prefix, LibvirtConnection outside) : LibvirtTarget(libvirtd, name, prefix, "qemu:///system", outside)
{
    private int _files;

    public override PoolName? Pool => PoolName.Parse("default");

    public override Func<InstanceId, CancellationToken, Task>? FreezeAsync => (id, token) => SignalAsync(id, "-STOP", token);

    public override InstanceSpec NewDeafGuest(InstanceName name) => NewInstance(name);

    public override Task CrashAsync(InstanceId id, CancellationToken cancellationToken) => SignalAsync(id, "-KILL", cancellationToken);

    public override Task ThawAsync(InstanceId id, CancellationToken cancellationToken) => SignalAsync(id, "-CONT", cancellationToken);

    public override Task<VolumeAttachment?> MakeAttachmentAsync(CancellationToken cancellationToken)
    {
        string path = Libvirtd.PathOf($"{Prefix}{Interlocked.Increment(ref _files)}.img");
        using (var file = File.Create(path))
            file.SetLength(1024 * 1024);
        return Task.FromResult<VolumeAttachment?>(new VolumeAttachment.File(path, "raw"));
    }

    public override Task<bool> AttachmentExistsAsync(VolumeAttachment attachment, CancellationToken cancellationToken) => Task.FromResult(File.Exists(((VolumeAttachment.File)attachment).Path));

    /// <summary>A machine with an image in its drive, and one with room for more CPUs.</summary>
    public override InstanceSpec? NewInstanceFor(Capability capability, InstanceName name)
    {
        var spec = (VirtualMachineSpec)NewInstance(name);
        if (capability == Capability.NetworkMetrics)
            return null;
        if (capability == Capability.HotplugCpu)
            spec.Sizing = new Sizing.Explicit(1, ByteSize.FromMiB(32)) { MaxCpus = 4 };
        if (capability == Capability.HotplugMemory)
            spec.Sizing = new Sizing.Explicit(1, ByteSize.FromMiB(128)) { MaxMemory = ByteSize.FromMiB(512) };
        if (capability == Capability.ChangeMedia)
        {
            string path = Libvirtd.PathOf(Prefix + "empty.iso");
            File.WriteAllBytes(path, new byte[64 * 1024]);
            spec.Disks.Add(new DiskSpec { Content = new DiskContent.Cd(path) });
        }

        return spec;
    }

    /// <summary>What the daemon wrote down of a machine that was made.</summary>
    public override async Task<bool?> HasAsync(InstanceId made, Capability capability, CancellationToken cancellationToken)
    {
        var domain = await Outside.DomainLookupByUuidAsync(Guid.Parse(made.ToString()), cancellationToken);
        string xml = await Outside.DomainGetXmlDescAsync(domain, 0, cancellationToken);
        return capability == Capability.UefiFirmware ? xml.Contains("firmware='efi'", StringComparison.Ordinal) : null;
    }

    public override string? WhyNot(ConformanceAbility ability) => ability switch
    {
        ConformanceAbility.BootGuests => "No guest is booted over libvirt by these tests.",
        ConformanceAbility.CutNodes => "A daemon is one node.",
        _ => null,
    };

    protected override LibvirtBackendOptions Options(BackendName name, string socket) => new()
    {
        Name = name.ToString(), Uri = $"qemu+unix:///system?socket={socket}", DomainType = "qemu", Connection = new LibvirtOptions { MaxClientRequests = Libvirtd.MaxClientRequests },
    };

    private async Task SignalAsync(InstanceId id, string signal, CancellationToken cancellationToken)
    {
        if (Libvirtd.ProcessOf(id) is not { } process)
            return;
        using var kill = Process.Start(RealPeer.Program("kill"), [signal, process.ToString(CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync(cancellationToken);
    }
}
