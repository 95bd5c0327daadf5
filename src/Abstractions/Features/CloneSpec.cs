namespace Hypervisor.Sdk;

/// <summary>What a clone is like.</summary>
public sealed class CloneSpec
{
    /// <summary>The name of the new instance.</summary>
    public required InstanceName Name { get; set; }

    /// <summary>Whether the disks are copied or share what is unchanged. Default <see cref="CloneMode.Full"/>.</summary>
    public CloneMode Mode { get; set; }

    /// <summary>The state to begin with. Default: the current one.</summary>
    public SnapshotName? Snapshot { get; set; }

    /// <summary>Its CPUs and memory. Default: the source's.</summary>
    public Sizing? Sizing { get; set; }

    /// <summary>New sizes of disks, by the source's ids of them; a disk never shrinks. The guest's file systems stay as they are. Default: all as they are.</summary>
    public IDictionary<DeviceId, ByteSize> ResizeDisks { get; } = new Dictionary<DeviceId, ByteSize>();

    /// <summary>Where it goes. Default: where its source is.</summary>
    public Placement Placement { get; set; } = new();

    /// <summary>What it is for, in words. Default: the source's.</summary>
    public string? Description { get; set; }

    /// <summary>Labels beside the source's.</summary>
    public IDictionary<string, string> Labels { get; } = new Dictionary<string, string>();
}
