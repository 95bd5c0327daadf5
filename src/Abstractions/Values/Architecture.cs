using System.Diagnostics.CodeAnalysis;

namespace Hypervisor.Sdk;

/// <summary>A processor architecture as the kernel and QEMU write it. An open set: any further word is allowed.</summary>
/// <remarks>
/// Written 1 to 64 of a-z, 0-9, '-', '_' and '.', the first a letter or digit.
/// Printed as it was given and compared by ordinal. The default value is no architecture: it prints as an empty text, and calls that change something refuse it.
/// </remarks>
public readonly record struct Architecture : ISpanParsable<Architecture>, IUtf8SpanParsable<Architecture>, ISpanFormattable, IUtf8SpanFormattable
{
    private readonly string? _value;

    private Architecture(string value) => _value = value;

    /// <summary>True for the default value, which no parse ever returns.</summary>
    public bool IsDefault => _value is null;

    /// <summary>Parses an architecture.</summary>
    /// <param name="s">The text: 1 to 64 of a-z, 0-9, '-', '_' and '.', the first a letter or digit.</param>
    /// <param name="provider">Ignored: the form depends on no culture.</param>
    /// <exception cref="ArgumentNullException"><paramref name="s"/> is null.</exception>
    /// <exception cref="FormatException">The text is not an architecture; the message names the value and the rule.</exception>
    public static Architecture Parse(string s, IFormatProvider? provider = null) => new(TextRules.Word.Parse(s, "an architecture"));

    /// <inheritdoc cref="Parse(string, IFormatProvider?)"/>
    public static Architecture Parse(ReadOnlySpan<char> s, IFormatProvider? provider = null) => new(TextRules.Word.Parse(s, "an architecture"));

    /// <inheritdoc cref="Parse(string, IFormatProvider?)"/>
    public static Architecture Parse(ReadOnlySpan<byte> utf8Text, IFormatProvider? provider = null) => new(TextRules.Word.Parse(utf8Text, "an architecture"));

    /// <summary>Parses an architecture and says whether that worked. Never throws.</summary>
    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, out Architecture result)
    {
        bool valid = TextRules.Word.Accepts(s);
        result = valid ? new(s!) : default;
        return valid;
    }

    /// <inheritdoc cref="TryParse(string?, IFormatProvider?, out Architecture)"/>
    public static bool TryParse(ReadOnlySpan<char> s, IFormatProvider? provider, out Architecture result)
    {
        bool valid = TextRules.Word.Accepts(s);
        result = valid ? new(s.ToString()) : default;
        return valid;
    }

    /// <inheritdoc cref="TryParse(string?, IFormatProvider?, out Architecture)"/>
    public static bool TryParse(ReadOnlySpan<byte> utf8Text, IFormatProvider? provider, out Architecture result)
    {
        bool valid = TextRules.Word.TryDecode(utf8Text, out string? text);
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

    /// <summary>64-bit x86.</summary>
    public static Architecture X64 { get; } = new("x86_64");

    /// <summary>64-bit Arm.</summary>
    public static Architecture Arm64 { get; } = new("aarch64");

    /// <summary>64-bit RISC-V.</summary>
    public static Architecture RiscV64 { get; } = new("riscv64");

    /// <summary>64-bit POWER, little endian.</summary>
    public static Architecture Ppc64Le { get; } = new("ppc64le");

    /// <summary>IBM Z.</summary>
    public static Architecture S390X { get; } = new("s390x");

    /// <summary>64-bit MIPS.</summary>
    public static Architecture Mips64 { get; } = new("mips64");
}
