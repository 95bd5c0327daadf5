namespace Hypervisor.Sdk.Simulation;

/// <summary>A node of a simulated data centre.</summary>
public sealed class SimulatedNodeOptions
{
    /// <summary>Its CPUs. Default 16.</summary>
    public int Cpus { get; set; } = 16;

    /// <summary>Its memory. Running machines never take more of it together. Default 64 GiB.</summary>
    public ByteSize Memory { get; set; } = ByteSize.FromGiB(64);

    /// <summary>Its processor architecture. Default x86_64.</summary>
    public Architecture Architecture { get; set; } = Architecture.X64;

    /// <summary>Architectures that it can run by emulation. Default: none.</summary>
    public IList<Architecture> Emulated { get; } = [];

    /// <summary>How much a second it can send to another node: what live migration depends on. Default 1 GiB.</summary>
    public ByteSize BandwidthPerSecond { get; set; } = ByteSize.FromGiB(1);

    /// <summary>
    /// How many instances it makes at once, of nothing or as clones; 1 or more. What comes beyond waits, is refused or fails (<see cref="ErrorCode.Locked"/>) as a change of an instance does that is being changed
    /// (<see cref="SimulationPersonality.Locking"/>); <see cref="ILaneHints"/> names it as the capacity of the lane <c>node:NAME</c>. Default: no limit.
    /// </summary>
    public int? MaxCreationsAtOnce { get; set; }
}
