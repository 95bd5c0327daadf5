namespace Hypervisor.Sdk.Drivers;

/// <summary>A list by id: a page goes on after the last id of the one before, so that whatever is there all the time is listed once, whatever comes and goes.</summary>
/// <typeparam name="T">What is listed.</typeparam>
/// <param name="look">Everything that is there now, in any order.</param>
/// <param name="id">The id of an item.</param>
/// <param name="position">Where the stream of events is, asked before the look; null where there is none.</param>
public sealed class OrderedList<T>(Func<CancellationToken, Task<IReadOnlyCollection<T>>> look, Func<T, string> id, Func<EventPosition?>? position = null) : PagedList<T>
{
    private const string Prefix = "after:";

    /// <inheritdoc />
    public override async Task<Page<T>> GetPageAsync(string? continuation, int maxItems, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxItems, 1);
        if (continuation is not null && !continuation.StartsWith(Prefix, StringComparison.Ordinal))
            throw new ArgumentException("The continuation is not one of this list.", nameof(continuation));
        var at = position?.Invoke();
        string after = continuation is null ? "" : continuation[Prefix.Length..];
        var rest = (await look(cancellationToken).ConfigureAwait(false)).Where(item => string.CompareOrdinal(id(item), after) > 0).OrderBy(id, StringComparer.Ordinal).Take(maxItems + 1).ToList();
        bool goesOn = rest.Count > maxItems;
        var items = goesOn ? rest[..maxItems] : rest;
        return new Page<T> { Items = items, Continuation = goesOn ? Prefix + id(items[^1]) : null, Position = at };
    }
}
