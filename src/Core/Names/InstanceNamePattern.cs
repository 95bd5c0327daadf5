using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Hypervisor.Sdk;

/// <summary>
/// How a name is made up: text with places in braces. <c>{adjective}</c> and <c>{noun}</c> are words; <c>{number}</c> is the lowest number from 1 that makes the name free, <c>{number:3}</c> with leading zeros;
/// <c>{random}</c> is 6 lower-case letters and digits, <c>{random:10}</c> as many as said, 1 to 32. Immutable.
/// </summary>
public sealed class InstanceNamePattern
{
    private const int MaxLength = 255;

    private readonly string _text;
    private readonly List<Piece> _pieces;

    private InstanceNamePattern(string text, List<Piece> pieces)
    {
        _text = text;
        _pieces = pieces;
        HasNumber = pieces.Any(piece => piece.Kind == PieceKind.Number);
        IsFixed = pieces.All(piece => piece.Kind == PieceKind.Text);
    }

    private enum PieceKind
    {
        Text,
        Adjective,
        Noun,
        Number,
        Random,
    }

    /// <summary><c>{adjective}-{noun}</c>: such as <c>quiet-harbour</c>.</summary>
    public static InstanceNamePattern Default { get; } = Parse("{adjective}-{noun}");

    /// <summary>Whether a number in it makes the name free.</summary>
    internal bool HasNumber { get; }

    /// <summary>Whether it is one name only.</summary>
    internal bool IsFixed { get; }

    /// <summary>Parses a pattern.</summary>
    /// <param name="text">1 to 255 characters; a brace that is no place is refused.</param>
    /// <exception cref="FormatException">It is no pattern; the message names the value and what is wrong with it.</exception>
    public static InstanceNamePattern Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var pieces = Read(text, out string? problem);
        return pieces is null ? throw new FormatException(problem) : new(text, pieces);
    }

    /// <summary>Parses a pattern and says whether that worked.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, [NotNullWhen(true)] out InstanceNamePattern? pattern)
    {
        var pieces = text is null ? null : Read(text, out _);
        pattern = pieces is null ? null : new(text!, pieces);
        return pattern is not null;
    }

    /// <summary>The pattern as it was given.</summary>
    public override string ToString() => _text;

    /// <summary>Makes up a name.</summary>
    /// <param name="number">What stands where the number goes.</param>
    internal string Next(int number)
    {
        var name = new StringBuilder();
        foreach (var piece in _pieces)
        {
            _ = piece.Kind switch
            {
                PieceKind.Adjective => name.Append(NameWords.Adjectives[RandomNumberGenerator.GetInt32(NameWords.Adjectives.Length)]),
                PieceKind.Noun => name.Append(NameWords.Nouns[RandomNumberGenerator.GetInt32(NameWords.Nouns.Length)]),
                PieceKind.Number => name.Append(number.ToString(CultureInfo.InvariantCulture).PadLeft(piece.Length, '0')),
                PieceKind.Random => name.Append(RandomNumberGenerator.GetString("abcdefghijklmnopqrstuvwxyz0123456789", piece.Length)),
                _ => name.Append(piece.Text),
            };
        }

        return name.ToString();
    }

    private static List<Piece>? Read(string text, out string? problem)
    {
        string shown = text.Length > 64 ? text[..64] + "…" : text;
        problem = text.Length is 0 or > MaxLength ? $"A name pattern has 1 to {MaxLength} characters, not {text.Length}." : null;
        var pieces = new List<Piece>();
        for (int at = 0; problem is null && at < text.Length;)
        {
            int brace = text.AsSpan(at).IndexOfAny('{', '}');
            int end = brace < 0 ? text.Length : at + brace;
            if (end > at)
                pieces.Add(new Piece(PieceKind.Text, text[at..end], 0));
            at = end;
            if (at == text.Length)
                break;
            int close = text.IndexOf('}', at);
            if (text[at] == '}' || close < 0 || ReadPlace(text[(at + 1)..close]) is not { } place)
            {
                problem = $"The name pattern '{shown}' has a brace at character {at + 1} that is none of {{adjective}}, {{noun}}, {{number}}, {{number:DIGITS}} (1 to 9), {{random}} and {{random:LENGTH}} (1 to 32).";
                break;
            }

            pieces.Add(place);
            at = close + 1;
        }

        return problem is null ? pieces : null;
    }

    private static Piece? ReadPlace(string place)
    {
        string[] parts = place.Split(':');
        int? length = parts.Length == 2 && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out int said) && said >= 1 ? said : null;
        return (parts[0], parts.Length, length) switch
        {
            ("adjective", 1, _) => new Piece(PieceKind.Adjective, "", 0),
            ("noun", 1, _) => new Piece(PieceKind.Noun, "", 0),
            ("number", 1, _) => new Piece(PieceKind.Number, "", 1),
            ("number", 2, <= 9) => new Piece(PieceKind.Number, "", length.Value),
            ("random", 1, _) => new Piece(PieceKind.Random, "", 6),
            ("random", 2, <= 32) => new Piece(PieceKind.Random, "", length.Value),
            _ => null,
        };
    }

    private sealed record Piece(PieceKind Kind, string Text, int Length);
}
