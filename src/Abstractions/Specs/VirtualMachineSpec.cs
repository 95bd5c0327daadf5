namespace Hypervisor.Sdk;

/// <summary>What a virtual machine is made of.</summary>
public sealed class VirtualMachineSpec : InstanceSpec
{
    /// <summary>CPUs and memory.</summary>
    public required Sizing Sizing { get; set; }

    /// <summary>The disks, in boot order. Default: none.</summary>
    public IList<DiskSpec> Disks { get; } = [];

    /// <summary>What it boots from. Default: the first disk.</summary>
    public BootSource Boot { get; set; } = new BootSource.FirstDisk();

    /// <summary>The processor architecture. Default: the node's.</summary>
    public Architecture? Architecture { get; set; }

    /// <summary>The firmware. Default: what the architecture usually has.</summary>
    public Firmware Firmware { get; set; }

    /// <summary>The processor model in the backend's words: what live migration depends on. Default: the backend's.</summary>
    public string? CpuModel { get; set; }

    /// <summary>Whether it has a TPM 2.0. Default false.</summary>
    public bool Tpm { get; set; }

    /// <summary>The operating system that will run in it, for backends that choose devices by it.</summary>
    public string? GuestOs { get; set; }

    /// <summary>Devices of the host that are handed to it, in the backend's words: <c>0000:01:00.0</c>. Default: none.</summary>
    public IList<string> PassthroughDevices { get; } = [];
}
