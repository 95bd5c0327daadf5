namespace Hypervisor.Sdk;

/// <summary>What to change of an instance: hotplug, resize and rename are one thing. What is not mentioned stays as it is.</summary>
public sealed class InstanceChange
{
    /// <summary>Another name.</summary>
    public Change<InstanceName> Name { get; set; }

    /// <summary>Another description; null clears it.</summary>
    public Change<string?> Description { get; set; }

    /// <summary>Other CPUs and memory (virtual machines).</summary>
    public Change<Sizing> Sizing { get; set; }

    /// <summary>
    /// How much of its memory a machine is to make do with while it runs, without a restart: the guest's balloon driver gives the rest back to the host. Null gives all of it back to the guest. Kept, and asked for again at
    /// every start. Less than the guest needs makes it swap or end programs.
    /// </summary>
    public Change<ByteSize?> MemoryTarget { get; set; }

    /// <summary>Another CPU limit (containers); null lifts it.</summary>
    public Change<double?> CpuLimit { get; set; }

    /// <summary>Another memory limit (containers); null lifts it.</summary>
    public Change<ByteSize?> MemoryLimit { get; set; }

    /// <summary>Disks to add.</summary>
    public IList<DiskSpec> AddDisks { get; } = [];

    /// <summary>What to mount in it, while it runs where the backend can (containers). A mount is removed as a device is.</summary>
    public IList<MountSpec> AddMounts { get; } = [];

    /// <summary>Disks to make larger. Smaller is refused: it would cut off data that only the guest knows.</summary>
    public IDictionary<DeviceId, ByteSize> ResizeDisks { get; } = new Dictionary<DeviceId, ByteSize>();

    /// <summary>Other limits of disks; null lifts them. A disk's limits are replaced as a whole.</summary>
    public IDictionary<DeviceId, DiskLimits?> LimitDisks { get; } = new Dictionary<DeviceId, DiskLimits?>();

    /// <summary>CD drives to put another image in, in the backend's words; null takes out the one that is in. A guest that holds the drive's door locked is asked to let go.</summary>
    public IDictionary<DeviceId, string?> ChangeMedia { get; } = new Dictionary<DeviceId, string?>();

    /// <summary>Disks and network devices to remove. A disk that was made with the instance is deleted with its content.</summary>
    public IList<DeviceId> RemoveDevices { get; } = [];

    /// <summary>Network devices to add.</summary>
    public IList<NetworkSpec> AddNetworks { get; } = [];

    /// <summary>
    /// Whether what cloud-init was given is taken away: its disk or CD is deleted with the documents, which may hold secrets. For after the first boot; a machine that has never booted becomes nothing by it, and clones that are made later
    /// are told nothing. Default false.
    /// </summary>
    public bool RemoveCloudInit { get; set; }

    /// <summary>Labels to set; null removes one.</summary>
    public IDictionary<string, string?> Labels { get; } = new Dictionary<string, string?>();

    /// <summary>Settings that only one kind of backend knows.</summary>
    public SpecExtensions Extensions { get; } = new();
}
