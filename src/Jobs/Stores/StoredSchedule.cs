namespace Hypervisor.Sdk.Jobs.Stores;

/// <summary>A schedule, and what its jobs are made of.</summary>
public sealed class StoredSchedule
{
    /// <summary>The schedule, with its next time.</summary>
    public required JobSchedule Schedule { get; init; }

    /// <summary>The name of the type of its jobs.</summary>
    public required string Type { get; init; }

    /// <summary>Their arguments as JSON.</summary>
    public required string Args { get; init; }

    /// <summary>Why its arguments cannot be decrypted here and now; null where they can, or are not encrypted.</summary>
    internal Exception? Unreadable { get; init; }

    /// <summary>The version of the arguments.</summary>
    public int ArgsVersion { get; init; } = 1;
}
