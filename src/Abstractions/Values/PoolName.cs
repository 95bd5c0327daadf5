using System.Diagnostics.CodeAnalysis;

namespace Hypervisor.Sdk;

/// <summary>The name of a storage pool.</summary>
/// <remarks>
/// As the backend writes it.
/// Printed as it was given and compared by ordinal. The default value is no pool name: it prints as an empty text, and calls that change something refuse it.
/// </remarks>
public readonly record struct PoolName : ISpanParsable<PoolName>, IUtf8SpanParsable<PoolName>, ISpanFormattable, IUtf8SpanFormattable
{
    private readonly string? _value;

    private PoolName(string value) => _value = value;

    /// <summary>True for the default value, which no parse ever returns.</summary>
    public bool IsDefault => _value is null;

    /// <summary>Parses a pool name.</summary>
    /// <param name="s">The text: 1 to 255 characters; no control, format or bidirectional characters, no slash or backslash, no leading hyphen, no white space at either end, not '.' or '..'.</param>
    /// <param name="provider">Ignored: the form depends on no culture.</param>
    /// <exception cref="ArgumentNullException"><paramref name="s"/> is null.</exception>
    /// <exception cref="FormatException">The text is not a pool name; the message names the value and the rule.</exception>
    public static PoolName Parse(string s, IFormatProvider? provider = null) => new(TextRules.Name.Parse(s, "a pool name"));

    /// <inheritdoc cref="Parse(string, IFormatProvider?)"/>
    public static PoolName Parse(ReadOnlySpan<char> s, IFormatProvider? provider = null) => new(TextRules.Name.Parse(s, "a pool name"));

    /// <inheritdoc cref="Parse(string, IFormatProvider?)"/>
    public static PoolName Parse(ReadOnlySpan<byte> utf8Text, IFormatProvider? provider = null) => new(TextRules.Name.Parse(utf8Text, "a pool name"));

    /// <summary>Parses a pool name and says whether that worked. Never throws.</summary>
    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, out PoolName result)
    {
        bool valid = TextRules.Name.Accepts(s);
        result = valid ? new(s!) : default;
        return valid;
    }

    /// <inheritdoc cref="TryParse(string?, IFormatProvider?, out PoolName)"/>
    public static bool TryParse(ReadOnlySpan<char> s, IFormatProvider? provider, out PoolName result)
    {
        bool valid = TextRules.Name.Accepts(s);
        result = valid ? new(s.ToString()) : default;
        return valid;
    }

    /// <inheritdoc cref="TryParse(string?, IFormatProvider?, out PoolName)"/>
    public static bool TryParse(ReadOnlySpan<byte> utf8Text, IFormatProvider? provider, out PoolName result)
    {
        bool valid = TextRules.Name.TryDecode(utf8Text, out string? text);
        result = valid ? new(text!) : default;
        return valid;
    }

    /// <summary>The value as it was given; an empty text for the default value.</summary>
    public override string ToString() => _value ?? "";

    /// <inheritdoc />
    public string ToString(string? format, IFormatProvider? formatProvider) => ToString();

    /// <inheritdoc />
    public bool TryFormat(Span<char> destination, out int charsWritten, ReadOnlySpan<char> format = default, IFormatProvider? provider = null) => TextRules.TryFormat(_value, destination, out charsWritten);

    /// <inheritdoc />
    public bool TryFormat(Span<byte> utf8Destination, out int bytesWritten, ReadOnlySpan<char> format = default, IFormatProvider? provider = null) => TextRules.TryFormat(_value, utf8Destination, out bytesWritten);
}
