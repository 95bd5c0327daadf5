namespace Hypervisor.Sdk.Jobs.Stores;

/// <summary>
/// Where the fencing tokens of a store begin, for the use of stores. A backend remembers the largest token that it has seen and refuses smaller ones, also when the store that gave it is gone: a store that is made anew
/// begins above what an earlier one has given, and one that is restored goes on above it.
/// </summary>
public static class FencingTokens
{
    // No store hands out a million tokens in a millisecond: those of one never overtake the clock.
    private const int BitsPerMs = 20;
    private const long MaxMs = 1L << 42;
    private const long Restored = 1L << 40;

    /// <summary>What a new store counts from: the milliseconds since 1970 (at most 2^42, in 2109) times 2^20. Its first token is one more.</summary>
    public static long First(DateTimeOffset now) => Math.Clamp(now.ToUnixTimeMilliseconds(), 0, MaxMs) << BitsPerMs;

    /// <summary>What a store goes on from that was restored from a backup: 2^40 more than stands there, and not less than <see cref="First"/>, as nobody knows how many were given since.</summary>
    /// <param name="last">The last token that the backup knows.</param>
    /// <param name="now">When it is restored.</param>
    public static long AfterRestore(long last, DateTimeOffset now) => Math.Max(last + Restored, First(now));
}
