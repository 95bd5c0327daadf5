using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;

namespace Hypervisor.Sdk;

/// <summary>A 48-bit Ethernet address (IEEE 802).</summary>
/// <remarks>Written as six pairs of hexadecimal digits, separated by colons throughout or by hyphens throughout. Printed in lower case with colons. The default value, all zeros, is no address and is never parsed.</remarks>
public readonly record struct MacAddress : ISpanParsable<MacAddress>, IUtf8SpanParsable<MacAddress>, ISpanFormattable, IUtf8SpanFormattable
{
    private const int Chars = 17;
    private const string Rule = "six pairs of hexadecimal digits separated by ':' or by '-', not all zero";

    private readonly ulong _bits;

    private MacAddress(ulong bits) => _bits = bits;

    /// <summary>True for the default value, which no parse ever returns.</summary>
    public bool IsDefault => _bits == 0;

    /// <summary>True for a group address, which no network device can have.</summary>
    public bool IsMulticast => (_bits >> 40 & 1) != 0;

    /// <summary>True for an address that was made up rather than assigned by the device's maker.</summary>
    public bool IsLocallyAdministered => (_bits >> 40 & 2) != 0;

    /// <summary>An address from its six bytes, the first one first.</summary>
    /// <exception cref="ArgumentException">There are not six, or all are zero.</exception>
    public static MacAddress FromBytes(ReadOnlySpan<byte> bytes)
    {
        ulong bits = 0;
        foreach (byte b in bytes)
            bits = bits << 8 | b;
        return bytes.Length == 6 && bits != 0 ? new(bits) : throw new ArgumentException("A MAC address has six bytes, not all zero.", nameof(bytes));
    }

    /// <inheritdoc cref="Parse(ReadOnlySpan{char}, IFormatProvider?)"/>
    public static MacAddress Parse(string s, IFormatProvider? provider = null)
    {
        ArgumentNullException.ThrowIfNull(s);
        return Parse(s.AsSpan(), provider);
    }

    /// <summary>Parses an address.</summary>
    /// <param name="s">Six pairs of hexadecimal digits.</param>
    /// <param name="provider">Ignored: the form depends on no culture.</param>
    /// <exception cref="FormatException">The text is no address; the message names the value and the rule.</exception>
    public static MacAddress Parse(ReadOnlySpan<char> s, IFormatProvider? provider = null) => TryParse(s, provider, out var address) ? address : throw new FormatException($"'{TextRules.Echo(s)}' is not a MAC address: {Rule}.");

    /// <inheritdoc cref="Parse(ReadOnlySpan{char}, IFormatProvider?)"/>
    public static MacAddress Parse(ReadOnlySpan<byte> utf8Text, IFormatProvider? provider = null) =>
        TryParse(utf8Text, provider, out var address) ? address : throw new FormatException($"'{TextRules.Echo(Encoding.UTF8.GetString(utf8Text[..Math.Min(utf8Text.Length, Chars)]))}' is not a MAC address: {Rule}.");

    /// <summary>Parses an address and says whether that worked. Never throws.</summary>
    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, out MacAddress result) => TryParse(s.AsSpan(), provider, out result);

    /// <inheritdoc cref="TryParse(string?, IFormatProvider?, out MacAddress)"/>
    public static bool TryParse(ReadOnlySpan<char> s, IFormatProvider? provider, out MacAddress result)
    {
        result = default;
        if (s.Length != Chars || s[2] is not (':' or '-'))
            return false;

        ulong bits = 0;
        for (int i = 0; i < Chars; i += 3)
        {
            if ((i > 0 && s[i - 1] != s[2]) || !byte.TryParse(s.Slice(i, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out byte value))
                return false;
            bits = bits << 8 | value;
        }

        result = new(bits);
        return bits != 0;
    }

    /// <inheritdoc cref="TryParse(string?, IFormatProvider?, out MacAddress)"/>
    public static bool TryParse(ReadOnlySpan<byte> utf8Text, IFormatProvider? provider, out MacAddress result)
    {
        Span<char> chars = stackalloc char[Chars];
        result = default;
        return utf8Text.Length == Chars && Encoding.UTF8.TryGetChars(utf8Text, chars, out int length) && TryParse(chars[..length], provider, out result);
    }

    /// <summary>The canonical text: <c>52:54:00:12:34:56</c>; empty for the default value.</summary>
    public override string ToString()
    {
        Span<char> chars = stackalloc char[Chars];
        _ = TryFormat(chars, out int length);
        return chars[..length].ToString();
    }

    /// <inheritdoc />
    public string ToString(string? format, IFormatProvider? formatProvider) => ToString();

    /// <inheritdoc />
    public bool TryFormat(Span<char> destination, out int charsWritten, ReadOnlySpan<char> format = default, IFormatProvider? provider = null) =>
        IsDefault ? TextRules.TryFormat(null, destination, out charsWritten) : destination.TryWrite(CultureInfo.InvariantCulture, $"{Byte(0):x2}:{Byte(1):x2}:{Byte(2):x2}:{Byte(3):x2}:{Byte(4):x2}:{Byte(5):x2}", out charsWritten);

    /// <inheritdoc />
    public bool TryFormat(Span<byte> utf8Destination, out int bytesWritten, ReadOnlySpan<char> format = default, IFormatProvider? provider = null) =>
        IsDefault ? TextRules.TryFormat(null, utf8Destination, out bytesWritten) : System.Text.Unicode.Utf8.TryWrite(utf8Destination, CultureInfo.InvariantCulture, $"{Byte(0):x2}:{Byte(1):x2}:{Byte(2):x2}:{Byte(3):x2}:{Byte(4):x2}:{Byte(5):x2}", out bytesWritten);

    private byte Byte(int index) => (byte)(_bits >> (8 * (5 - index)));
}
