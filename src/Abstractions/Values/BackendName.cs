using System.Diagnostics.CodeAnalysis;

namespace Hypervisor.Sdk;

/// <summary>The name under which an application knows a backend: <c>local</c>, <c>rack1</c>.</summary>
/// <remarks>
/// Ours, so strict; unique within a registry.
/// Printed as it was given and compared by ordinal. The default value is no backend name: it prints as an empty text, and calls that change something refuse it.
/// </remarks>
public readonly record struct BackendName : ISpanParsable<BackendName>, IUtf8SpanParsable<BackendName>, ISpanFormattable, IUtf8SpanFormattable
{
    private readonly string? _value;

    private BackendName(string value) => _value = value;

    /// <summary>True for the default value, which no parse ever returns.</summary>
    public bool IsDefault => _value is null;

    /// <summary>Parses a backend name.</summary>
    /// <param name="s">The text: 1 to 63 of a-z, 0-9, '-', '_' and '.', the first a letter or digit.</param>
    /// <param name="provider">Ignored: the form depends on no culture.</param>
    /// <exception cref="ArgumentNullException"><paramref name="s"/> is null.</exception>
    /// <exception cref="FormatException">The text is not a backend name; the message names the value and the rule.</exception>
    public static BackendName Parse(string s, IFormatProvider? provider = null) => new(TextRules.Own.Parse(s, "a backend name"));

    /// <inheritdoc cref="Parse(string, IFormatProvider?)"/>
    public static BackendName Parse(ReadOnlySpan<char> s, IFormatProvider? provider = null) => new(TextRules.Own.Parse(s, "a backend name"));

    /// <inheritdoc cref="Parse(string, IFormatProvider?)"/>
    public static BackendName Parse(ReadOnlySpan<byte> utf8Text, IFormatProvider? provider = null) => new(TextRules.Own.Parse(utf8Text, "a backend name"));

    /// <summary>Parses a backend name and says whether that worked. Never throws.</summary>
    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, out BackendName result)
    {
        bool valid = TextRules.Own.Accepts(s);
        result = valid ? new(s!) : default;
        return valid;
    }

    /// <inheritdoc cref="TryParse(string?, IFormatProvider?, out BackendName)"/>
    public static bool TryParse(ReadOnlySpan<char> s, IFormatProvider? provider, out BackendName result)
    {
        bool valid = TextRules.Own.Accepts(s);
        result = valid ? new(s.ToString()) : default;
        return valid;
    }

    /// <inheritdoc cref="TryParse(string?, IFormatProvider?, out BackendName)"/>
    public static bool TryParse(ReadOnlySpan<byte> utf8Text, IFormatProvider? provider, out BackendName result)
    {
        bool valid = TextRules.Own.TryDecode(utf8Text, out string? text);
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
