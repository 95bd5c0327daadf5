namespace Hypervisor.Sdk;

/// <summary>A frozen view of the disks of an instance.</summary>
public abstract class BackupSession : IAsyncDisposable
{
    /// <summary>The disks.</summary>
    public abstract IReadOnlyList<DeviceId> Disks { get; }

    /// <summary>The parts of a disk that belong to this backup, in order, not overlapping.</summary>
    public abstract IAsyncEnumerable<Extent> GetExtentsAsync(DeviceId disk, CancellationToken cancellationToken = default);

    /// <summary>Reads a part: fills the buffer.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It reaches beyond the disk.</exception>
    public abstract ValueTask ReadAsync(DeviceId disk, long offset, Memory<byte> buffer, CancellationToken cancellationToken = default);

    /// <summary>Says that everything was read and kept.</summary>
    /// <returns>The checkpoint from which the next backup can go on; null where the backend keeps none.</returns>
    public abstract Task<string?> CompleteAsync(CancellationToken cancellationToken = default);

    /// <summary>Lets the view go. Without <see cref="CompleteAsync"/>, no checkpoint is kept.</summary>
    public abstract ValueTask DisposeAsync();
}
