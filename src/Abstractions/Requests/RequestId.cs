using System.Diagnostics.CodeAnalysis;

namespace Hypervisor.Sdk;

/// <summary>The caller's own id of one intended effect. The same id sent again means: this is still the same effect, do not repeat it.</summary>
/// <remarks>A version 7 UUID (RFC 9562), so that ids sort by time. Drivers leave it on the object that they change, so that <see cref="IRequestLog"/> can say after a crash whether it happened. A create that is
/// sent again after what it made was deleted is refused (<see cref="ErrorCode.Conflict"/>): the effect was once, and is over. The default value is no id.</remarks>
public readonly record struct RequestId : ISpanParsable<RequestId>, ISpanFormattable, IUtf8SpanFormattable
{
    private readonly Guid _value;

    private RequestId(Guid value) => _value = value;

    /// <summary>True for the default value, which no parse ever returns.</summary>
    public bool IsDefault => _value == Guid.Empty;

    /// <summary>A new id.</summary>
    /// <param name="timeProvider">The clock that the id's time is taken from; the system's when null.</param>
    public static RequestId New(TimeProvider? timeProvider = null) => new(Guid.CreateVersion7((timeProvider ?? TimeProvider.System).GetUtcNow()));

    /// <summary>An id from a UUID of the caller's own, for example a job's.</summary>
    /// <exception cref="ArgumentException"><paramref name="value"/> is all zeros.</exception>
    public static RequestId FromGuid(Guid value) => value == Guid.Empty ? throw new ArgumentException("A request id is not all zeros.", nameof(value)) : new(value);

    /// <summary>The UUID.</summary>
    public Guid ToGuid() => _value;

    /// <inheritdoc cref="Parse(ReadOnlySpan{char}, IFormatProvider?)"/>
    public static RequestId Parse(string s, IFormatProvider? provider = null)
    {
        ArgumentNullException.ThrowIfNull(s);
        return Parse(s.AsSpan(), provider);
    }

    /// <summary>Parses an id.</summary>
    /// <param name="s">A UUID as 8-4-4-4-12 hexadecimal digits, not all zero.</param>
    /// <param name="provider">Ignored: the form depends on no culture.</param>
    /// <exception cref="FormatException">The text is no such UUID; the message names the value.</exception>
    public static RequestId Parse(ReadOnlySpan<char> s, IFormatProvider? provider = null) =>
        TryParse(s, provider, out var id) ? id : throw new FormatException($"'{TextRules.Echo(s)}' is not a request id: a UUID as 8-4-4-4-12 hexadecimal digits, not all zero.");

    /// <summary>Parses an id and says whether that worked. Never throws.</summary>
    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, out RequestId result) => TryParse(s.AsSpan(), provider, out result);

    /// <inheritdoc cref="TryParse(string?, IFormatProvider?, out RequestId)"/>
    public static bool TryParse(ReadOnlySpan<char> s, IFormatProvider? provider, out RequestId result)
    {
        bool valid = Guid.TryParseExact(s, "D", out var value) && value != Guid.Empty && !s.ContainsAny(" \t\r\n");
        result = valid ? new(value) : default;
        return valid;
    }

    /// <summary>The canonical text: 8-4-4-4-12 lower-case hexadecimal digits; an empty text for the default value.</summary>
    public override string ToString() => IsDefault ? "" : _value.ToString("D");

    /// <inheritdoc />
    public string ToString(string? format, IFormatProvider? formatProvider) => ToString();

    /// <inheritdoc />
    public bool TryFormat(Span<char> destination, out int charsWritten, ReadOnlySpan<char> format = default, IFormatProvider? provider = null)
    {
        charsWritten = 0;
        return IsDefault || _value.TryFormat(destination, out charsWritten, "D");
    }

    /// <inheritdoc />
    public bool TryFormat(Span<byte> utf8Destination, out int bytesWritten, ReadOnlySpan<char> format = default, IFormatProvider? provider = null)
    {
        bytesWritten = 0;
        return IsDefault || _value.TryFormat(utf8Destination, out bytesWritten, "D");
    }
}
