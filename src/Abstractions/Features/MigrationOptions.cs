namespace Hypervisor.Sdk;

/// <summary>How to move.</summary>
public sealed class MigrationOptions
{
    /// <summary>Whether the guest runs meanwhile. Default true.</summary>
    public bool Live { get; init; } = true;

    /// <summary>For how long the guest may stand still at the end. Default 300 ms.</summary>
    public TimeSpan MaxDowntime { get; init; } = TimeSpan.FromMilliseconds(300);

    /// <summary>How much may be sent a second. Default: no limit.</summary>
    public ByteSize? MaxBandwidthPerSecond { get; init; }

    /// <summary>
    /// After how long of copying memory the guest goes on at the target though not all of it has come there, and fetches the rest from the source as it touches it (post-copy): a guest that writes faster than memory can be sent moves
    /// too. Zero for at once. From then on both sides are needed until all has come: when either ends, what is in the guest's memory is lost, and the guest runs nowhere; a way that is cut only makes it wait. Default null: never, a move
    /// that fails leaves the guest running where it was. <see cref="MigrationCheck.PostCopyObstacles"/> says whether the two sides can do it.
    /// </summary>
    public TimeSpan? PostCopyAfter { get; init; }

    /// <summary>Whether the disks move too. Default false.</summary>
    public bool WithStorage { get; init; }
}
