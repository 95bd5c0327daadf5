namespace Hypervisor.Sdk.Qemu.Machines;

/// <summary>What a machine boots from, in the words of its configuration.</summary>
internal static class BootKinds
{
    public const string Disk = "disk";
    public const string Iso = "iso";
    public const string Kernel = "kernel";
    public const string Network = "network";
}
