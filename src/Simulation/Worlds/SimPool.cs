namespace Hypervisor.Sdk.Simulation.Worlds;

/// <summary>A pool of storage. Belongs to the loop.</summary>
internal sealed class SimPool(PoolName name, SimulatedPoolOptions options)
{
    public PoolName Name { get; } = name;

    public string Text { get; } = name.ToString();

    public bool Thin { get; } = options.Thin;

    public NodeName? Node { get; } = options.Node;

    public long CapacityBytes { get; set; } = options.Capacity.Bytes;

    public long UsedBytes { get; private set; }

    /// <summary>Whether it has no room left: a fault.</summary>
    public bool IsFull { get; set; }

    /// <summary>How many times slower than usual it is.</summary>
    public double Slowness { get; set; } = 1;

    /// <summary>How much may be promised in volumes together; null for no limit.</summary>
    public long? QuotaBytes { get; set; }

    public long PromisedBytes { get; private set; }

    public string Kind => Thin ? "simulated-thin" : "simulated-thick";

    /// <summary>What a volume of a size takes when it is new.</summary>
    public long WrittenBytes(long sizeBytes, bool thin) => Thin && thin ? (long)(sizeBytes * options.WrittenShare) : sizeBytes;

    public TimeSpan TimeFor(long bytes) => TimeSpan.FromTicks((long)(bytes / (double)options.BytesPerSecond.Bytes * Slowness * TimeSpan.TicksPerSecond));

    /// <summary>Why a volume does not fit; null when it does.</summary>
    public string? WhyNot(long promisedBytes, long writtenBytes)
    {
        if (IsFull && (promisedBytes > 0 || writtenBytes > 0))
            return "it has no room left";
        if (QuotaBytes is { } quota && PromisedBytes + promisedBytes > quota)
            return $"its quota is {new ByteSize(quota)}, of which {new ByteSize(Math.Max(0, quota - PromisedBytes))} is left";
        return UsedBytes + writtenBytes > CapacityBytes ? $"it holds {new ByteSize(CapacityBytes)}, of which {new ByteSize(Math.Max(0, CapacityBytes - UsedBytes))} is left" : null;
    }

    public void Take(long promisedBytes, long writtenBytes)
    {
        PromisedBytes += promisedBytes;
        UsedBytes += writtenBytes;
    }
}
