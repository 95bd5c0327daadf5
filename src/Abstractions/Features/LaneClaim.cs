namespace Hypervisor.Sdk;

/// <summary>What a piece of work needs of a lane.</summary>
public sealed class LaneClaim
{
    /// <summary>The lane.</summary>
    public required LaneKey Key { get; init; }

    /// <summary>Alone or beside others.</summary>
    public required LaneMode Mode { get; init; }

    /// <summary>How much of the capacity it takes, 1 or more. Default 1.</summary>
    public int Weight { get; init; } = 1;

    /// <summary>How much all sharers may take together. Default: no limit.</summary>
    public int? Capacity { get; init; }
}
