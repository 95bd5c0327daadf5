using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Hypervisor.Sdk;

/// <summary>Says what is wrong with a value in JSON: the value, shortened and made printable, and what was expected.</summary>
internal static class JsonRefusal
{
    private const int MaxEchoedChars = 64;

    [DoesNotReturn]
    public static void Throw(ref Utf8JsonReader reader, string expected) => throw new JsonException($"{Describe(ref reader)} is not {expected}.");

    /// <summary>The same for a field that may hold a secret: what kind of value it is, and nothing of it.</summary>
    [DoesNotReturn]
    public static void ThrowSecret(ref Utf8JsonReader reader, string expected) => throw new JsonException($"{reader.TokenType switch
    {
        JsonTokenType.Number => string.Create(CultureInfo.InvariantCulture, $"a number of {(reader.HasValueSequence ? reader.ValueSequence.Length : reader.ValueSpan.Length)} characters"),
        _ => Describe(ref reader),
    }} is not {expected}.");

    public static string ReadText(ref Utf8JsonReader reader)
    {
        try
        {
            return reader.GetString()!;
        }
        catch (InvalidOperationException exception)
        {
            // It may be a secret, and it cannot be shown anyway.
            throw new JsonException(string.Create(CultureInfo.InvariantCulture, $"A text of {(reader.HasValueSequence ? reader.ValueSequence.Length : reader.ValueSpan.Length)} bytes is not well-formed."), exception);
        }
    }

    public static string Describe(ref Utf8JsonReader reader) => reader.TokenType switch
    {
        JsonTokenType.StartObject => "an object",
        JsonTokenType.StartArray => "an array",
        _ => Echo(Encoding.UTF8.GetString(reader.HasValueSequence ? reader.ValueSequence.Slice(0, Math.Min(reader.ValueSequence.Length, 4 * MaxEchoedChars)).ToArray() : reader.ValueSpan)),
    };

    public static string Echo(string text)
    {
        var echo = new StringBuilder("'");
        foreach (char c in text.AsSpan(0, Math.Min(text.Length, MaxEchoedChars)))
        {
            if (char.IsControl(c) || char.IsSurrogate(c) || CharUnicodeInfo.GetUnicodeCategory(c) is UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator)
                echo.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}");
            else
                echo.Append(c);
        }

        return echo.Append(text.Length > MaxEchoedChars ? "...'" : "'").ToString();
    }
}
