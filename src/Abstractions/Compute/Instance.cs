namespace Hypervisor.Sdk;

/// <summary>A virtual machine or container as its backend described it at one moment. Texts are the server's, verbatim and untrusted.</summary>
public sealed class Instance
{
    /// <summary>Addresses it at its backend.</summary>
    public required InstanceId Id { get; init; }

    /// <summary>Identifies it for good, also after the id has been reused.</summary>
    public required Incarnation Incarnation { get; init; }

    /// <summary>Its name as the server says it: may be empty, a duplicate, or contain anything.</summary>
    public required string Name { get; init; }

    /// <summary>What it is.</summary>
    public required InstanceKind Kind { get; init; }

    /// <summary>Whether it runs.</summary>
    public required PowerState State { get; init; }

    /// <summary>Why it is in that state, where the backend says: the end of a crashed process's error output, for example.</summary>
    public string? StateReason { get; init; }

    /// <summary>The version of its configuration.</summary>
    public required Revision Revision { get; init; }

    /// <summary>Whether changes wait for the next start.</summary>
    public bool HasPendingChanges { get; init; }

    /// <summary>Whether it is a template: cloned, never started.</summary>
    public bool IsTemplate { get; init; }

    /// <summary>What it was cloned from, where the backend remembers.</summary>
    public InstanceId? ClonedFrom { get; init; }

    /// <summary>The node that runs it; null where there is only one.</summary>
    public NodeName? Node { get; init; }

    /// <summary>The scope that it is in; null where there is none.</summary>
    public ScopeName? Scope { get; init; }

    /// <summary>The processor architecture of the guest.</summary>
    public Architecture? Architecture { get; init; }

    /// <summary>The operating system of the guest, as whoever made it said or the guest reports.</summary>
    public string? GuestOs { get; init; }

    /// <summary>CPUs that it may use; a share where the backend limits time instead of CPUs.</summary>
    public double? Cpus { get; init; }

    /// <summary>Memory that it may use.</summary>
    public ByteSize? Memory { get; init; }

    /// <summary>How much of that a machine is asked to make do with (<see cref="InstanceChange.MemoryTarget"/>); null for all of it, or where the backend cannot ask.</summary>
    public ByteSize? MemoryTarget { get; init; }

    /// <summary>Its disks.</summary>
    public IReadOnlyList<DiskDevice> Disks { get; init; } = [];

    /// <summary>Its network devices.</summary>
    public IReadOnlyList<NetworkDevice> Networks { get; init; } = [];

    /// <summary>Its labels. Keys that begin with <c>hvsdk.</c> are ours.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();

    /// <summary>What whoever made it wrote about it.</summary>
    public string? Description { get; init; }

    /// <summary>When it was made, where the backend remembers.</summary>
    public DateTimeOffset? CreatedAt { get; init; }

    /// <summary>When it was started the last time; null when it is not running or the backend does not say.</summary>
    public DateTimeOffset? StartedAt { get; init; }
}
