namespace Hypervisor.Sdk.Qemu.Snapshots;

/// <summary>What recovery must know of going back.</summary>
internal sealed record RevertIntent
{
    public required string Tag { get; init; }

    /// <summary>Whether the machine is up afterwards.</summary>
    public required bool StartAfter { get; init; }
}
