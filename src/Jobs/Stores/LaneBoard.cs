namespace Hypervisor.Sdk.Jobs.Stores;

/// <summary>
/// Who holds which lanes while a store hands out jobs, for the use of stores. Candidates are offered in order; one that has to wait keeps its lanes closed to all who come
/// after it, so that nobody overtakes in a lane. As all lanes of a job are taken within one transaction, or none, nobody waits holding one: there is no deadlock.
/// </summary>
public sealed class LaneBoard
{
    private readonly Dictionary<string, Lane> _lanes = new(StringComparer.Ordinal);

    /// <summary>A lane that a running job holds.</summary>
    public void Hold(LaneClaim claim)
    {
        ArgumentNullException.ThrowIfNull(claim);
        LaneOf(claim).Take(claim);
    }

    /// <summary>True when all of <paramref name="claims"/> are free: they are taken. Otherwise they are closed to those who come after.</summary>
    public bool TryTake(IReadOnlyList<LaneClaim> claims)
    {
        ArgumentNullException.ThrowIfNull(claims);
        bool free = true;
        foreach (var claim in claims)
            free &= LaneOf(claim).Has(claim);
        foreach (var claim in claims)
        {
            if (free)
                LaneOf(claim).Take(claim);
            else
                LaneOf(claim).IsClosed = true;
        }

        return free;
    }

    /// <summary>The first of <paramref name="claims"/> that is not free; null where all are. Takes nothing.</summary>
    public LaneClaim? FirstClosed(IReadOnlyList<LaneClaim> claims)
    {
        ArgumentNullException.ThrowIfNull(claims);
        foreach (var claim in claims)
        {
            if (!LaneOf(claim).Has(claim))
                return claim;
        }

        return null;
    }

    private Lane LaneOf(LaneClaim claim)
    {
        string key = claim.Key.ToString();
        if (!_lanes.TryGetValue(key, out var lane))
            _lanes[key] = lane = new Lane();
        return lane;
    }

    private sealed class Lane
    {
        private bool _isExclusive;
        private long _weight;
        private int _holders;
        private int? _capacity;

        public bool IsClosed { get; set; }

        // The smallest capacity that anybody named rules. Who is heavier than the lane goes alone, or he would wait for ever.
        public bool Has(LaneClaim claim)
        {
            if (IsClosed || _isExclusive || (claim.Mode == LaneMode.Exclusive && _holders > 0))
                return false;
            int? capacity = claim.Capacity is { } named ? Math.Min(named, _capacity ?? named) : _capacity;
            return _holders == 0 || capacity is null || _weight + claim.Weight <= capacity;
        }

        public void Take(LaneClaim claim)
        {
            _holders++;
            _weight += claim.Weight;
            _isExclusive |= claim.Mode == LaneMode.Exclusive;
            if (claim.Capacity is { } named)
                _capacity = Math.Min(named, _capacity ?? named);
        }
    }
}
