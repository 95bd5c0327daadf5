using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;

namespace Hypervisor.Sdk;

/// <summary>The four forms that a value made of text can have, and the parsing and printing that all such values share.</summary>
internal sealed class TextRules
{
    private const int MaxEchoedChars = 64;

    /// <summary>A backend's own identifier: anything that cannot break a line or end a string.</summary>
    public static readonly TextRules Opaque = new(512, "1 to 512 characters, no control characters", IsOpaque);

    /// <summary>A name that people read: what could be mistaken for a path, an option or another name is refused.</summary>
    public static readonly TextRules Name = new(255, "1 to 255 characters; no control, format or bidirectional characters, no slash or backslash, no leading hyphen, no white space at either end, not '.' or '..'", IsName);

    /// <summary>A name of ours.</summary>
    public static readonly TextRules Own = new(63, "1 to 63 of a-z, 0-9, '-', '_' and '.', the first a letter or digit", IsWord);

    /// <summary>One of an open set of words.</summary>
    public static readonly TextRules Word = new(64, "1 to 64 of a-z, 0-9, '-', '_' and '.', the first a letter or digit", IsWord);

    /// <summary>A signal.</summary>
    public static readonly TextRules Signal = new(19, "SIG and 1 to 16 of A-Z, 0-9, + and -", IsSignal);

    private static readonly SearchValues<char> s_wordCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789-_.");

    private static readonly SearchValues<char> s_signalCharacters = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-");

    private readonly int _maxChars;
    private readonly string _rule;
    private readonly Predicate _isValid;

    private TextRules(int maxChars, string rule, Predicate isValid)
    {
        _maxChars = maxChars;
        _rule = rule;
        _isValid = isValid;
    }

    private delegate bool Predicate(ReadOnlySpan<char> text);

    public static bool TryFormat(string? value, Span<char> destination, out int charsWritten)
    {
        bool fits = (value ?? "").TryCopyTo(destination);
        charsWritten = fits ? (value ?? "").Length : 0;
        return fits;
    }

    public static bool TryFormat(string? value, Span<byte> utf8Destination, out int bytesWritten) => Encoding.UTF8.TryGetBytes(value ?? "", utf8Destination, out bytesWritten);

    public bool Accepts(ReadOnlySpan<char> text) => text.Length > 0 && text.Length <= _maxChars && _isValid(text);

    public string Parse(string text, string what)
    {
        ArgumentNullException.ThrowIfNull(text);
        return Accepts(text) ? text : throw Refused(text, what);
    }

    public string Parse(ReadOnlySpan<char> text, string what) => Accepts(text) ? text.ToString() : throw Refused(text, what);

    public string Parse(ReadOnlySpan<byte> utf8Text, string what) => TryDecode(utf8Text, out string? text) ? text : throw Refused(Encoding.UTF8.GetString(utf8Text[..Math.Min(utf8Text.Length, MaxEchoedChars)]), what);

    public bool TryDecode(ReadOnlySpan<byte> utf8Text, [NotNullWhen(true)] out string? text)
    {
        text = null;
        Span<char> chars = stackalloc char[512];
        if (utf8Text.Length > 4 * _maxChars || !Encoding.UTF8.TryGetChars(utf8Text, chars, out int length) || chars[..length].Contains('\uFFFD') || !Accepts(chars[..length]))
            return false;
        text = chars[..length].ToString();
        return true;
    }

    /// <summary>Makes a value that was refused fit for a message: short, on one line, nothing in it that could act on a terminal.</summary>
    internal static string Echo(ReadOnlySpan<char> text)
    {
        var echo = new StringBuilder();
        foreach (char c in text[..Math.Min(text.Length, MaxEchoedChars)])
        {
            if (char.IsControl(c) || char.IsSurrogate(c) || CharUnicodeInfo.GetUnicodeCategory(c) is UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator)
                echo.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}");
            else
                echo.Append(c);
        }

        return text.Length > MaxEchoedChars ? $"{echo}... ({text.Length} characters)" : echo.ToString();
    }

    private static bool IsOpaque(ReadOnlySpan<char> text)
    {
        foreach (char c in text)
        {
            if (char.IsControl(c))
                return false;
        }

        return IsWellFormed(text);
    }

    private static bool IsName(ReadOnlySpan<char> text)
    {
        if (text is "." or ".." || text[0] == '-' || char.IsWhiteSpace(text[0]) || char.IsWhiteSpace(text[^1]))
            return false;

        foreach (char c in text)
        {
            if (c is '/' or '\\' || char.IsControl(c) || CharUnicodeInfo.GetUnicodeCategory(c) is UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator)
                return false;
        }

        return IsWellFormed(text);
    }

    private static bool IsWord(ReadOnlySpan<char> text) => char.IsAsciiLetterOrDigit(text[0]) && !text.ContainsAnyExcept(s_wordCharacters);

    private static bool IsSignal(ReadOnlySpan<char> text) => text.Length > 3 && text.StartsWith("SIG") && !text.ContainsAnyExcept(s_signalCharacters);

    /// <summary>False for half a surrogate pair, and for U+FFFD, which is what a decoder leaves behind where bytes were not UTF-8.</summary>
    private static bool IsWellFormed(ReadOnlySpan<char> text)
    {
        while (!text.IsEmpty)
        {
            if (Rune.DecodeFromUtf16(text, out var rune, out int consumed) != OperationStatus.Done || rune == Rune.ReplacementChar)
                return false;
            text = text[consumed..];
        }

        return true;
    }

    private FormatException Refused(ReadOnlySpan<char> text, string what) => new($"'{Echo(text)}' is not {what}: {_rule}.");
}
