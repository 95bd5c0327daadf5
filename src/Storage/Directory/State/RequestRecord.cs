namespace Hypervisor.Sdk.Storage.Directory;

/// <summary>What is written down of a request before anything of it happens, and what finds out after a crash whether it did.</summary>
internal sealed record RequestRecord
{
    public required Guid Id { get; init; }

    /// <summary>Which call.</summary>
    public required RequestKind Kind { get; init; }

    /// <summary>The file of the volume, in the pool; for pools, its directory.</summary>
    public required string Target { get; init; }

    /// <summary>All that the caller asked for, in words: the same id with something else is another effect.</summary>
    public required string Asked { get; init; }

    public required DateTimeOffset BegunAt { get; init; }

    /// <summary>The number of the file that <see cref="Target"/> names once it has happened; for deletions, of the one that it named before.</summary>
    public ulong Inode { get; init; }

    /// <summary>The file in the pool that gets the name of the volume; null when it is the one under work.</summary>
    public string? From { get; init; }

    /// <summary>What a guest sees once it has happened.</summary>
    public long SizeBytes { get; init; }

    /// <summary>The instance that the volume is for.</summary>
    public string? Owner { get; init; }

    /// <summary>Why it failed, by <see cref="Sdk.ErrorCode"/>; null while it has not.</summary>
    public string? ErrorCode { get; init; }

    /// <summary>Why it failed, in words.</summary>
    public string? ErrorMessage { get; init; }
}
