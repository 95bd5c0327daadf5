namespace Hypervisor.Sdk;

/// <summary>The counters of an instance at one moment. Counters grow from the start of the instance. What the backend cannot say is null, never 0, and <see cref="Unavailable"/> says why.</summary>
public sealed class InstanceMetrics
{
    /// <summary>The instance.</summary>
    public required InstanceId Id { get; init; }

    /// <summary>When.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>When the counters began; null where the backend does not say. Two samples that began at different moments cannot be compared.</summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary>CPU time that it has used, all CPUs together.</summary>
    public TimeSpan? CpuTime { get; init; }

    /// <summary>Memory of the host that it takes.</summary>
    public ByteSize? MemoryUsed { get; init; }

    /// <summary>Memory that the guest has in use, as the guest says.</summary>
    public ByteSize? MemoryUsedByGuest { get; init; }

    /// <summary>Memory that the guest has left: its own, less what its balloon driver has given back to the host (<see cref="InstanceChange.MemoryTarget"/>).</summary>
    public ByteSize? MemoryLeftToGuest { get; init; }

    /// <summary>Bytes read from disks.</summary>
    public long? DiskReadBytes { get; init; }

    /// <summary>Bytes written to disks.</summary>
    public long? DiskWriteBytes { get; init; }

    /// <summary>Reads from disks.</summary>
    public long? DiskReadOperations { get; init; }

    /// <summary>Writes to disks.</summary>
    public long? DiskWriteOperations { get; init; }

    /// <summary>Bytes that the guest received.</summary>
    public long? NetworkReceivedBytes { get; init; }

    /// <summary>Bytes that the guest sent.</summary>
    public long? NetworkSentBytes { get; init; }

    /// <summary>Packets that the guest received.</summary>
    public long? NetworkReceivedPackets { get; init; }

    /// <summary>Packets that the guest sent.</summary>
    public long? NetworkSentPackets { get; init; }

    /// <summary>Why a counter is null, by the name of its property.</summary>
    public IReadOnlyDictionary<string, string> Unavailable { get; init; } = new Dictionary<string, string>();
}
