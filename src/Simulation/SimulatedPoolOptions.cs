namespace Hypervisor.Sdk.Simulation;

/// <summary>A pool of storage of a simulated data centre.</summary>
public sealed class SimulatedPoolOptions
{
    /// <summary>What it can hold. Default 10 TiB.</summary>
    public ByteSize Capacity { get; set; } = ByteSize.FromTiB(10);

    /// <summary>Whether volumes take space only as it is written, so that more can be promised than there is. Default true.</summary>
    public bool Thin { get; set; } = true;

    /// <summary>The node that it is on. Default: every node reaches it.</summary>
    public NodeName? Node { get; set; }

    /// <summary>The share of a new thin volume that is written at once, 0 to 1. Default 0.05.</summary>
    public double WrittenShare { get; set; } = 0.05;

    /// <summary>How much a second it reads or writes: what copies take their time by. Default 500 MiB.</summary>
    public ByteSize BytesPerSecond { get; set; } = ByteSize.FromMiB(500);
}
