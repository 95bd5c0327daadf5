namespace Hypervisor.Sdk.DiskImages;

/// <summary>A snapshot within a qcow2 image.</summary>
public sealed class ImageSnapshot
{
    /// <summary>The number that the image gave it.</summary>
    public required string Id { get; init; }

    /// <summary>The name that its maker gave it. Need not be unique.</summary>
    public required string Name { get; init; }

    /// <summary>How large the state of the machine in it is; zero when only the disk was kept.</summary>
    public required ByteSize MachineStateSize { get; init; }

    /// <summary>When it was made.</summary>
    public required DateTimeOffset CreatedAt { get; init; }
}
