namespace Hypervisor.Sdk;

/// <summary>What a backup is made of.</summary>
public sealed class BackupOptions
{
    /// <summary>Only what has changed since this checkpoint, which an earlier session left. Default: null, everything.</summary>
    public string? SinceCheckpoint { get; init; }

    /// <summary>Whether an agent in the guest brings the file systems to rest for the moment of the view, so that what is restored need not be repaired. Default: false.</summary>
    public bool Quiesce { get; init; }
}
