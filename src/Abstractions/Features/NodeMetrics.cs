namespace Hypervisor.Sdk;

/// <summary>The counters of a node at one moment. What the backend cannot say is null, never 0, and <see cref="Unavailable"/> says why.</summary>
public sealed class NodeMetrics
{
    /// <summary>The node.</summary>
    public required NodeName Node { get; init; }

    /// <summary>When.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>CPUs.</summary>
    public int? Cpus { get; init; }

    /// <summary>CPU time used since the node was booted, all CPUs together.</summary>
    public TimeSpan? CpuTime { get; init; }

    /// <summary>Processes that wanted to run, averaged over a minute.</summary>
    public double? LoadAverage1 { get; init; }

    /// <summary>Over five minutes.</summary>
    public double? LoadAverage5 { get; init; }

    /// <summary>Over fifteen minutes.</summary>
    public double? LoadAverage15 { get; init; }

    /// <summary>Memory that the node has.</summary>
    public ByteSize? MemoryTotal { get; init; }

    /// <summary>Memory that could be given away without swapping.</summary>
    public ByteSize? MemoryAvailable { get; init; }

    /// <summary>Bytes read from the node's disks.</summary>
    public long? DiskReadBytes { get; init; }

    /// <summary>Bytes written to the node's disks.</summary>
    public long? DiskWriteBytes { get; init; }

    /// <summary>Reads from the node's disks.</summary>
    public long? DiskReadOperations { get; init; }

    /// <summary>Writes to the node's disks.</summary>
    public long? DiskWriteOperations { get; init; }

    /// <summary>Bytes received by the node's network devices, loopback excepted.</summary>
    public long? NetworkReceivedBytes { get; init; }

    /// <summary>Bytes sent by the node's network devices, loopback excepted.</summary>
    public long? NetworkSentBytes { get; init; }

    /// <summary>Why a counter is null, by the name of its property.</summary>
    public IReadOnlyDictionary<string, string> Unavailable { get; init; } = new Dictionary<string, string>();
}
