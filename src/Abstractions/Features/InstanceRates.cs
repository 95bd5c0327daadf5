namespace Hypervisor.Sdk;

/// <summary>How fast the counters of an instance grew between two samples. What cannot be said is null, never 0 and never negative, and <see cref="Unavailable"/> says why.</summary>
public sealed class InstanceRates
{
    /// <summary>The instance.</summary>
    public required InstanceId Id { get; init; }

    /// <summary>When the earlier sample was taken.</summary>
    public required DateTimeOffset From { get; init; }

    /// <summary>When the later one was.</summary>
    public required DateTimeOffset To { get; init; }

    /// <summary>CPUs in use: 1 is one CPU all the time.</summary>
    public double? Cpus { get; init; }

    /// <summary>Bytes read from disks in a second.</summary>
    public double? DiskReadBytesPerSecond { get; init; }

    /// <summary>Bytes written to disks in a second.</summary>
    public double? DiskWriteBytesPerSecond { get; init; }

    /// <summary>Reads from disks in a second.</summary>
    public double? DiskReadOperationsPerSecond { get; init; }

    /// <summary>Writes to disks in a second.</summary>
    public double? DiskWriteOperationsPerSecond { get; init; }

    /// <summary>Bytes that the guest received in a second.</summary>
    public double? NetworkReceivedBytesPerSecond { get; init; }

    /// <summary>Bytes that the guest sent in a second.</summary>
    public double? NetworkSentBytesPerSecond { get; init; }

    /// <summary>Packets that the guest received in a second.</summary>
    public double? NetworkReceivedPacketsPerSecond { get; init; }

    /// <summary>Packets that the guest sent in a second.</summary>
    public double? NetworkSentPacketsPerSecond { get; init; }

    /// <summary>Why a rate is null, by the name of its property.</summary>
    public IReadOnlyDictionary<string, string> Unavailable { get; init; } = new Dictionary<string, string>();

    /// <summary>The rates between two samples of one instance. Between samples of which the later began to count anew (the instance was started or reset meanwhile) there are none.</summary>
    /// <param name="earlier">The earlier sample.</param>
    /// <param name="later">The later one.</param>
    /// <exception cref="ArgumentException">They are of two instances, or the later is not the later.</exception>
    public static InstanceRates Between(InstanceMetrics earlier, InstanceMetrics later)
    {
        ArgumentNullException.ThrowIfNull(earlier);
        ArgumentNullException.ThrowIfNull(later);
        if (earlier.Id != later.Id)
            throw new ArgumentException($"The samples are of two instances: '{earlier.Id}' and '{later.Id}'.", nameof(later));
        double seconds = (later.At - earlier.At).TotalSeconds;
        if (seconds <= 0)
            throw new ArgumentException($"The later sample is of {later.At:O}, which is not after {earlier.At:O}.", nameof(later));
        var unavailable = new Dictionary<string, string>(StringComparer.Ordinal);
        bool isOther = earlier.Since is { } then && later.Since is { } since && then != since;
        return new InstanceRates
        {
            Id = later.Id,
            From = earlier.At,
            To = later.At,
            Cpus = Of(nameof(Cpus), nameof(InstanceMetrics.CpuTime), metrics => metrics.CpuTime?.TotalSeconds),
            DiskReadBytesPerSecond = Of(nameof(DiskReadBytesPerSecond), nameof(InstanceMetrics.DiskReadBytes), metrics => metrics.DiskReadBytes),
            DiskWriteBytesPerSecond = Of(nameof(DiskWriteBytesPerSecond), nameof(InstanceMetrics.DiskWriteBytes), metrics => metrics.DiskWriteBytes),
            DiskReadOperationsPerSecond = Of(nameof(DiskReadOperationsPerSecond), nameof(InstanceMetrics.DiskReadOperations), metrics => metrics.DiskReadOperations),
            DiskWriteOperationsPerSecond = Of(nameof(DiskWriteOperationsPerSecond), nameof(InstanceMetrics.DiskWriteOperations), metrics => metrics.DiskWriteOperations),
            NetworkReceivedBytesPerSecond = Of(nameof(NetworkReceivedBytesPerSecond), nameof(InstanceMetrics.NetworkReceivedBytes), metrics => metrics.NetworkReceivedBytes),
            NetworkSentBytesPerSecond = Of(nameof(NetworkSentBytesPerSecond), nameof(InstanceMetrics.NetworkSentBytes), metrics => metrics.NetworkSentBytes),
            NetworkReceivedPacketsPerSecond = Of(nameof(NetworkReceivedPacketsPerSecond), nameof(InstanceMetrics.NetworkReceivedPackets), metrics => metrics.NetworkReceivedPackets),
            NetworkSentPacketsPerSecond = Of(nameof(NetworkSentPacketsPerSecond), nameof(InstanceMetrics.NetworkSentPackets), metrics => metrics.NetworkSentPackets),
            Unavailable = unavailable,
        };

        double? Of(string rate, string counter, Func<InstanceMetrics, double?> read)
        {
            if (read(earlier) is not { } before || read(later) is not { } after)
                unavailable[rate] = (read(later) is null ? later : earlier).Unavailable.GetValueOrDefault(counter, "The backend does not say.");
            else if (isOther || after < before)
                unavailable[rate] = "The counter began anew between the samples.";
            else
                return (after - before) / seconds;
            return null;
        }
    }
}
