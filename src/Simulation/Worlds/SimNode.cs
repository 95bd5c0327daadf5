using Hypervisor.Sdk.Simulation.Works;

namespace Hypervisor.Sdk.Simulation.Worlds;

/// <summary>A node. Belongs to the loop.</summary>
internal sealed class SimNode(NodeName name, SimulatedNodeOptions options)
{
    public NodeName Name { get; } = name;

    public string Text { get; } = name.ToString();

    public int Cpus { get; } = options.Cpus;

    public long MemoryBytes { get; } = options.Memory.Bytes;

    public Architecture Architecture { get; } = options.Architecture;

    public IReadOnlyList<Architecture> Emulated { get; } = [.. options.Emulated];

    public long BandwidthBytes { get; } = options.BandwidthPerSecond.Bytes;

    /// <summary>False from a crash until it returns.</summary>
    public bool IsUp { get; set; } = true;

    /// <summary>False while nobody outside can reach it.</summary>
    public bool IsConnected { get; set; } = true;

    public bool IsReachable => IsUp && IsConnected;

    /// <summary>Memory of the instances that run here.</summary>
    public long UsedMemoryBytes { get; set; }

    /// <summary>Memory of all instances that are here, running or not: what placing goes by.</summary>
    public long AssignedMemoryBytes { get; set; }

    /// <summary>How many instances it makes at once; null: as many as it is asked for.</summary>
    public int? MaxMaking { get; } = options.MaxCreationsAtOnce;

    /// <summary>Instances that are being made here.</summary>
    public int Making { get; set; }

    public bool HasPlace => MaxMaking is not { } most || Making < most;

    /// <summary>Work that waits for a place.</summary>
    public List<Work> Queue { get; } = [];

    /// <summary>Migrations that share its link.</summary>
    public int Migrations { get; set; }

    /// <summary>Seconds of CPU time that was used here.</summary>
    public double CpuSeconds { get; set; }

    public double DiskBytes { get; set; }

    public double NetworkBytes { get; set; }

    public bool Runs(Architecture architecture) => architecture == Architecture || Emulated.Contains(architecture);
}
