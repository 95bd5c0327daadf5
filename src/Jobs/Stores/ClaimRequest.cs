namespace Hypervisor.Sdk.Jobs.Stores;

/// <summary>A worker with free places.</summary>
public sealed class ClaimRequest
{
    /// <summary>Who.</summary>
    public required string Worker { get; init; }

    /// <summary>The types it knows, each with the newest version of arguments that it can read; others are left to who knows them.</summary>
    public required IReadOnlyDictionary<string, int> Types { get; init; }

    /// <summary>At most so many jobs; 0 only ends attempts whose lease ran out.</summary>
    public required int Limit { get; init; }

    /// <summary>Now.</summary>
    public required DateTimeOffset Now { get; init; }

    /// <summary>When the leases run out.</summary>
    public required DateTimeOffset LeaseUntil { get; init; }

    /// <summary>The same as it is asked when its turn comes, which may be a while after it was made: what became free meanwhile is filled by it too, and leases count from then. Default: null, as it stands here.</summary>
    public Func<ClaimRequest>? AtItsTurn { get; init; }

    /// <summary>What a store goes by, asked once it has the turn to answer.</summary>
    public ClaimRequest Settle() => AtItsTurn?.Invoke() ?? this;
}
