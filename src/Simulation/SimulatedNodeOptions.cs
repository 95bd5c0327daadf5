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
}
