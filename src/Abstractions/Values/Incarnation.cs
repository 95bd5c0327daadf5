using System.Diagnostics.CodeAnalysis;

namespace Hypervisor.Sdk;

/// <summary>Identifies an instance for good: a UUID, a container id, a generation id. Unlike an <see cref="InstanceId"/>, it never comes back.</summary>
/// <remarks>
/// Opaque: compared, never interpreted.
/// Printed as it was given and compared by ordinal. The default value is no incarnation: it prints as an empty text, and calls that change something refuse it.
/// </remarks>
public readonly record struct Incarnation : ISpanParsable<Incarnation>, IUtf8SpanParsable<Incarnation>, ISpanFormattable, IUtf8SpanFormattable
{
    private readonly string? _value;

    private Incarnation(string value) => _value = value;

    /// <summary>True for the default value, which no parse ever returns.</summary>
    public bool IsDefault => _value is null;

    /// <summary>Parses an incarnation.</summary>
    /// <param name="s">The text: 1 to 512 characters, no control characters.</param>
    /// <param name="provider">Ignored: the form depends on no culture.</param>
    /// <exception cref="ArgumentNullException"><paramref name="s"/> is null.</exception>
    /// <exception cref="FormatException">The text is not an incarnation; the message names the value and the rule.</exception>
    public static Incarnation Parse(string s, IFormatProvider? provider = null) => new(TextRules.Opaque.Parse(s, "an incarnation"));

    /// <inheritdoc cref="Parse(string, IFormatProvider?)"/>
    public static Incarnation Parse(ReadOnlySpan<char> s, IFormatProvider? provider = null) => new(TextRules.Opaque.Parse(s, "an incarnation"));

    /// <inheritdoc cref="Parse(string, IFormatProvider?)"/>
    public static Incarnation Parse(ReadOnlySpan<byte> utf8Text, IFormatProvider? provider = null) => new(TextRules.Opaque.Parse(utf8Text, "an incarnation"));

    /// <summary>Parses an incarnation and says whether that worked. Never throws.</summary>
    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, out Incarnation result)
    {
        bool valid = TextRules.Opaque.Accepts(s);
        result = valid ? new(s!) : default;
        return valid;
    }

    /// <inheritdoc cref="TryParse(string?, IFormatProvider?, out Incarnation)"/>
    public static bool TryParse(ReadOnlySpan<char> s, IFormatProvider? provider, out Incarnation result)
    {
        bool valid = TextRules.Opaque.Accepts(s);
        result = valid ? new(s.ToString()) : default;
        return valid;
    }

    /// <inheritdoc cref="TryParse(string?, IFormatProvider?, out Incarnation)"/>
    public static bool TryParse(ReadOnlySpan<byte> utf8Text, IFormatProvider? provider, out Incarnation result)
    {
        bool valid = TextRules.Opaque.TryDecode(utf8Text, out string? text);
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
