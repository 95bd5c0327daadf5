namespace Hypervisor.Sdk.Simulation.Worlds;

/// <summary>What an instance is made of. Never changed, only replaced: snapshots and clones share it.</summary>
internal sealed record InstanceConfig
{
    private static readonly IReadOnlyDictionary<string, string> s_noLabels = new Dictionary<string, string>();

    public required string Name { get; init; }

    public required InstanceKind Kind { get; init; }

    public string? Description { get; init; }

    public string? GuestOs { get; init; }

    public int Cpus { get; init; }

    public int? MaxCpus { get; init; }

    public long MemoryBytes { get; init; }

    public long? MaxMemoryBytes { get; init; }

    /// <summary>How much of its memory a machine is asked to make do with; null for all of it.</summary>
    public long? MemoryTargetBytes { get; init; }

    /// <summary>Of machines whose memory goes in pieces: the sizes of those that were plugged in, the last one last.</summary>
    public IReadOnlyList<long> MemoryPieces { get; init; } = [];

    /// <summary>Of containers: how many CPUs' worth of time it may use.</summary>
    public double? CpuLimit { get; init; }

    /// <summary>Of containers: how much memory it may use.</summary>
    public long? MemoryLimitBytes { get; init; }

    /// <summary>Of containers: what it was made from and runs.</summary>
    public ContainerConfig? Container { get; init; }

    public required Architecture Architecture { get; init; }

    public string? CpuModel { get; init; }

    public bool BootsFromNetwork { get; init; }

    public bool BootsFromDisk { get; init; }

    public bool HasPassthrough { get; init; }

    public bool HasCloudInit { get; init; }

    public ScopeName? Scope { get; init; }

    public IReadOnlyDictionary<string, string> Labels { get; init; } = s_noLabels;

    public IReadOnlyList<DiskConfig> Disks { get; init; } = [];

    public IReadOnlyList<NetworkConfig> Networks { get; init; } = [];

    /// <summary>Ports of its node that lead into it.</summary>
    public IReadOnlyList<PortForward> Ports { get; init; } = [];

    /// <summary>What it takes of a node's memory while it runs.</summary>
    public long FootprintBytes => Kind == InstanceKind.VirtualMachine ? MemoryBytes : MemoryLimitBytes ?? (256L << 20);
}
