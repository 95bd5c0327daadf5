namespace Hypervisor.Sdk.Jobs.Stores;

/// <summary>Who may begin under which rate while a store hands out jobs, for the use of stores: that of each key knows when earlier attempts began, and no more than the limit lie within the period.</summary>
public sealed class RateBoard
{
    private readonly Dictionary<string, List<DateTimeOffset>> _starts = new(StringComparer.Ordinal);
    private readonly DateTimeOffset _now;

    /// <summary>A board that knows no key.</summary>
    /// <param name="now">When the jobs begin that are taken.</param>
    public RateBoard(DateTimeOffset now) => _now = now;

    /// <summary>When the first of those that had to wait may begin; null where none had.</summary>
    public DateTimeOffset? NextAt { get; private set; }

    /// <summary>True when the starts of a key are known already.</summary>
    public bool Knows(string key) => _starts.ContainsKey(key);

    /// <summary>Tells when attempts of a key began, in any order.</summary>
    public void Load(string key, IEnumerable<DateTimeOffset> starts) => _starts[key] = [.. starts.Order()];

    /// <summary>Null where one more may begin, else when it may. Its key is known.</summary>
    public DateTimeOffset? OpensAt(JobRate rate)
    {
        ArgumentNullException.ThrowIfNull(rate);
        var starts = _starts[rate.Key];
        if (starts.Count < rate.Limit)
            return null;
        var opens = starts[^rate.Limit] + rate.Period;
        if (opens <= _now)
            return null;
        if (!(NextAt <= opens))
            NextAt = opens;
        return opens;
    }

    /// <summary>One of the key begins.</summary>
    public void Take(JobRate rate)
    {
        ArgumentNullException.ThrowIfNull(rate);
        var starts = _starts[rate.Key];
        starts.Add(_now);
        starts.Sort();
    }
}
