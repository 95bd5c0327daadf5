namespace Hypervisor.Sdk.Transport.Http;

/// <summary>
/// What a request is for: a path, perhaps with a query (origin-form, RFC 9112, 3.2.1). Values are put in by interpolation, which escapes them:
/// <c>HttpTarget.From($"/1.0/instances/{name}?project={project}")</c>. No value can end the path, the query or the line.
/// </summary>
public sealed class HttpTarget
{
    private HttpTarget(string value) => Value = value;

    /// <summary>The target as it is sent.</summary>
    public string Value { get; }

    /// <summary>The path, and <c>?*</c> where a query may hold secrets: for messages and spans.</summary>
    internal string Redacted => Value.IndexOf('?') is >= 0 and var at ? string.Concat(Value.AsSpan(0, at), "?*") : Value;

    /// <summary>Takes a target that is escaped already.</summary>
    /// <param name="target">A slash, then printable ASCII without spaces, <c>"</c>, <c>&lt;</c>, <c>&gt;</c>, <c>\</c>, <c>#</c>. No segment of the path is <c>.</c> or <c>..</c>; at most 16 KiB.</param>
    /// <exception cref="ArgumentException">The target is not of this form.</exception>
    public static HttpTarget Parse(string target)
    {
        ArgumentException.ThrowIfNullOrEmpty(target);
        if (target.Length > MaxCharacters)
            throw new ArgumentException($"The target has {target.Length} characters, more than {MaxCharacters}.", nameof(target));
        if (target[0] != '/')
            throw new ArgumentException("A target begins with a slash.", nameof(target));
        foreach (char c in target)
        {
            if (c is < '!' or > '~' or '"' or '<' or '>' or '\\' or '#')
                throw new ArgumentException($"The target has the character U+{(int)c:X4}: escape it as %{(int)c:X2}, or put the value in by {nameof(From)}.", nameof(target));
        }

        RefuseDots(target);
        return new HttpTarget(target);
    }

    /// <summary>Takes a target of literal text and values. The text must be escaped already, the values are escaped here.</summary>
    /// <param name="target">An interpolated string.</param>
    /// <exception cref="ArgumentException">The result is not what <see cref="Parse"/> takes: a value of a path's segment is <c>..</c>, for example.</exception>
    public static HttpTarget From(HttpTargetText target) => Parse(target.ToStringAndClear());

    /// <summary>The path, with <c>?*</c> instead of a query: values may be secrets.</summary>
    public override string ToString() => Redacted;

    private const int MaxCharacters = 16 * 1024;

    /// <summary>Servers resolve such segments, escaped or not: the request would be for something else than it says.</summary>
    private static void RefuseDots(string target)
    {
        int end = target.IndexOf('?');
        ReadOnlySpan<char> path = end < 0 ? target : target.AsSpan(0, end);
        foreach (Range range in path.Split('/'))
        {
            ReadOnlySpan<char> segment = path[range];
            if (segment.Length is 0 or > 6)
                continue;
            string plain = segment.ToString().Replace("%2e", ".", StringComparison.OrdinalIgnoreCase);
            if (plain is "." or "..")
                throw new ArgumentException("A segment of the path is '.' or '..': servers would resolve it to another path.", nameof(target));
        }
    }
}
