using System.Globalization;

namespace Hypervisor.Sdk;

/// <summary>How much may be read or written in a second. What is null is not limited.</summary>
public sealed record DiskRate
{
    /// <summary>Bytes a second: 1 or more.</summary>
    public ByteSize? BytesPerSecond { get; init; }

    /// <summary>Requests a second: 1 or more.</summary>
    public long? OperationsPerSecond { get; init; }

    /// <summary>Bytes a second for a while (<see cref="BurstLength"/>) after it was idle: at least <see cref="BytesPerSecond"/>, which it needs. Default: no more than that.</summary>
    public ByteSize? BurstBytesPerSecond { get; init; }

    /// <summary>Requests a second for a while (<see cref="BurstLength"/>) after it was idle: at least <see cref="OperationsPerSecond"/>, which it needs. Default: no more than that.</summary>
    public long? BurstOperationsPerSecond { get; init; }

    /// <summary>How long a burst may last: whole seconds, 1 s to 1 hour. Default 1 s.</summary>
    public TimeSpan? BurstLength { get; init; }

    /// <summary>For people: <c>10MiB/s (20MiB/s for 5 s), 100 requests/s</c>.</summary>
    public override string ToString()
    {
        string length = string.Create(CultureInfo.InvariantCulture, $" for {(BurstLength ?? TimeSpan.FromSeconds(1)).TotalSeconds:0} s");
        var parts = new List<string>();
        if (BytesPerSecond is { } bytes)
            parts.Add($"{bytes}/s{(BurstBytesPerSecond is { } burst ? $" ({burst}/s{length})" : "")}");
        if (OperationsPerSecond is { } operations)
            parts.Add(string.Create(CultureInfo.InvariantCulture, $"{operations} requests/s{(BurstOperationsPerSecond is { } burst ? string.Create(CultureInfo.InvariantCulture, $" ({burst}/s{length})") : "")}"));
        return string.Join(", ", parts);
    }
}
