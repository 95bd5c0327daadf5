namespace Hypervisor.Sdk;

/// <summary>What a virtual machine boots from: <see cref="FirstDisk"/>, <see cref="Iso"/>, <see cref="Kernel"/> or <see cref="NetworkBoot"/>.</summary>
public abstract record BootSource
{
    private BootSource()
    {
    }

    /// <summary>The first disk of the spec.</summary>
    public sealed record FirstDisk : BootSource;

    /// <summary>An image of a CD. It is in a drive of the machine (<see cref="DiskDevice.IsCd"/>) until another is put in or it is taken out (<see cref="InstanceChange.ChangeMedia"/>).</summary>
    /// <param name="Image">The image, as the backend addresses it.</param>
    public sealed record Iso(VolumeId Image) : BootSource;

    /// <summary>A kernel of the host's, without a boot loader.</summary>
    /// <param name="KernelPath">The kernel on the node.</param>
    /// <param name="InitrdPath">The initial RAM disk on the node; none when null.</param>
    /// <param name="CommandLine">What the kernel is told.</param>
    public sealed record Kernel(string KernelPath, string? InitrdPath, string CommandLine) : BootSource;

    /// <summary>The network (PXE).</summary>
    public sealed record NetworkBoot : BootSource;
}
