using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;

namespace Hypervisor.Sdk;

/// <summary>A number of bytes, 0 or more.</summary>
/// <remarks>
/// Written as digits and a unit: <c>B</c>, the binary <c>KiB MiB GiB TiB PiB EiB</c> (IEC 80000-13) or the decimal <c>kB MB GB TB PB EB</c>; digits alone are bytes. Printed with the largest binary unit that divides it
/// evenly: <c>10GiB</c>, <c>1536MiB</c>, <c>1000B</c>.
/// </remarks>
public readonly record struct ByteSize : ISpanParsable<ByteSize>, IUtf8SpanParsable<ByteSize>, ISpanFormattable, IUtf8SpanFormattable, IComparable<ByteSize>
{
    private const string Rule = "digits and one of B, KiB, MiB, GiB, TiB, PiB, EiB, kB, MB, GB, TB, PB, EB, at most 8EiB - 1";
    private const int MaxChars = 32;

    private static readonly (string Unit, long Factor)[] s_units =
    [
        ("EiB", 1L << 60), ("PiB", 1L << 50), ("TiB", 1L << 40), ("GiB", 1L << 30), ("MiB", 1L << 20), ("KiB", 1L << 10),
        ("EB", 1_000_000_000_000_000_000), ("PB", 1_000_000_000_000_000), ("TB", 1_000_000_000_000), ("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000), ("B", 1),
    ];

    /// <summary>A number of bytes.</summary>
    /// <param name="bytes">0 or more.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="bytes"/> is negative.</exception>
    public ByteSize(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        Bytes = bytes;
    }

    /// <summary>No bytes.</summary>
    public static ByteSize Zero => default;

    /// <summary>The number of bytes.</summary>
    public long Bytes { get; }

    /// <summary>A number of KiB (1,024 bytes).</summary>
    public static ByteSize FromKiB(long kibibytes) => new(checked(kibibytes * (1L << 10)));

    /// <summary>A number of MiB (1,048,576 bytes).</summary>
    public static ByteSize FromMiB(long mebibytes) => new(checked(mebibytes * (1L << 20)));

    /// <summary>A number of GiB (1,073,741,824 bytes).</summary>
    public static ByteSize FromGiB(long gibibytes) => new(checked(gibibytes * (1L << 30)));

    /// <summary>A number of TiB (1,099,511,627,776 bytes).</summary>
    public static ByteSize FromTiB(long tebibytes) => new(checked(tebibytes * (1L << 40)));

    /// <inheritdoc cref="Parse(ReadOnlySpan{char}, IFormatProvider?)"/>
    public static ByteSize Parse(string s, IFormatProvider? provider = null)
    {
        ArgumentNullException.ThrowIfNull(s);
        return Parse(s.AsSpan(), provider);
    }

    /// <summary>Parses a size.</summary>
    /// <param name="s">Digits and a unit: <c>512MiB</c>.</param>
    /// <param name="provider">Ignored: the form depends on no culture.</param>
    /// <exception cref="FormatException">The text is no size; the message names the value and the rule.</exception>
    public static ByteSize Parse(ReadOnlySpan<char> s, IFormatProvider? provider = null) => TryParse(s, provider, out var size) ? size : throw new FormatException($"'{TextRules.Echo(s)}' is not a size: {Rule}.");

    /// <inheritdoc cref="Parse(ReadOnlySpan{char}, IFormatProvider?)"/>
    public static ByteSize Parse(ReadOnlySpan<byte> utf8Text, IFormatProvider? provider = null) =>
        TryParse(utf8Text, provider, out var size) ? size : throw new FormatException($"'{TextRules.Echo(Encoding.UTF8.GetString(utf8Text[..Math.Min(utf8Text.Length, MaxChars)]))}' is not a size: {Rule}.");

    /// <summary>Parses a size and says whether that worked. Never throws.</summary>
    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, out ByteSize result) => TryParse(s.AsSpan(), provider, out result);

    /// <inheritdoc cref="TryParse(string?, IFormatProvider?, out ByteSize)"/>
    public static bool TryParse(ReadOnlySpan<char> s, IFormatProvider? provider, out ByteSize result)
    {
        result = default;
        int digits = s.IndexOfAnyExceptInRange('0', '9');
        long factor = 1;
        if (digits >= 0 && !TryFindUnit(s[digits..], out factor))
            return false;
        if (!long.TryParse(digits < 0 ? s : s[..digits], NumberStyles.None, CultureInfo.InvariantCulture, out long count) || count > long.MaxValue / factor)
            return false;
        result = new(count * factor);
        return true;
    }

    /// <inheritdoc cref="TryParse(string?, IFormatProvider?, out ByteSize)"/>
    public static bool TryParse(ReadOnlySpan<byte> utf8Text, IFormatProvider? provider, out ByteSize result)
    {
        Span<char> chars = stackalloc char[MaxChars];
        result = default;
        return utf8Text.Length <= MaxChars && Encoding.UTF8.TryGetChars(utf8Text, chars, out int length) && TryParse(chars[..length], provider, out result);
    }

    /// <summary>The sum.</summary>
    /// <exception cref="OverflowException">It is 8 EiB or more.</exception>
    public static ByteSize operator +(ByteSize left, ByteSize right) => new(checked(left.Bytes + right.Bytes));

    /// <summary>The difference.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is negative.</exception>
    public static ByteSize operator -(ByteSize left, ByteSize right) => new(left.Bytes - right.Bytes);

    /// <summary>Fewer bytes.</summary>
    public static bool operator <(ByteSize left, ByteSize right) => left.Bytes < right.Bytes;

    /// <summary>More bytes.</summary>
    public static bool operator >(ByteSize left, ByteSize right) => left.Bytes > right.Bytes;

    /// <summary>Fewer bytes, or as many.</summary>
    public static bool operator <=(ByteSize left, ByteSize right) => left.Bytes <= right.Bytes;

    /// <summary>More bytes, or as many.</summary>
    public static bool operator >=(ByteSize left, ByteSize right) => left.Bytes >= right.Bytes;

    /// <summary>The sum; see <c>+</c>.</summary>
    public static ByteSize Add(ByteSize left, ByteSize right) => left + right;

    /// <summary>The difference; see <c>-</c>.</summary>
    public static ByteSize Subtract(ByteSize left, ByteSize right) => left - right;

    /// <inheritdoc />
    public int CompareTo(ByteSize other) => Bytes.CompareTo(other.Bytes);

    /// <summary>The canonical text: <c>10GiB</c>.</summary>
    public override string ToString()
    {
        Span<char> chars = stackalloc char[MaxChars];
        _ = TryFormat(chars, out int length);
        return chars[..length].ToString();
    }

    /// <inheritdoc />
    public string ToString(string? format, IFormatProvider? formatProvider) => ToString();

    /// <inheritdoc />
    public bool TryFormat(Span<char> destination, out int charsWritten, ReadOnlySpan<char> format = default, IFormatProvider? provider = null)
    {
        var (unit, factor) = CanonicalUnit();
        return destination.TryWrite(CultureInfo.InvariantCulture, $"{Bytes / factor}{unit}", out charsWritten);
    }

    /// <inheritdoc />
    public bool TryFormat(Span<byte> utf8Destination, out int bytesWritten, ReadOnlySpan<char> format = default, IFormatProvider? provider = null)
    {
        var (unit, factor) = CanonicalUnit();
        return System.Text.Unicode.Utf8.TryWrite(utf8Destination, CultureInfo.InvariantCulture, $"{Bytes / factor}{unit}", out bytesWritten);
    }

    private static bool TryFindUnit(ReadOnlySpan<char> text, out long factor)
    {
        foreach (var (unit, unitFactor) in s_units)
        {
            if (text.SequenceEqual(unit))
            {
                factor = unitFactor;
                return true;
            }
        }

        factor = 0;
        return false;
    }

    private (string Unit, long Factor) CanonicalUnit()
    {
        if (Bytes != 0)
        {
            foreach (var candidate in s_units)
            {
                if (candidate.Unit.Contains('i') && Bytes % candidate.Factor == 0)
                    return candidate;
            }
        }

        return ("B", 1);
    }
}
