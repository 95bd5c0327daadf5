using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Hypervisor.Sdk;

/// <summary>A size as a number of bytes; read as a text with a unit as well.</summary>
internal sealed class ByteSizeConverter : JsonConverter<ByteSize>
{
    public override ByteSize Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out long bytes) && bytes >= 0)
            return new(bytes);
        if (reader.TokenType == JsonTokenType.String && ByteSize.TryParse(JsonRefusal.ReadText(ref reader), null, out var size))
            return size;
        JsonRefusal.Throw(ref reader, "a size: a number of bytes of 0 or more, or a text like \"2GiB\"");
        return default;
    }

    public override void Write(Utf8JsonWriter writer, ByteSize value, JsonSerializerOptions options) => writer.WriteNumberValue(value.Bytes);
}

/// <summary>A time span as a number of seconds.</summary>
internal sealed class SecondsConverter : JsonConverter<TimeSpan>
{
    public override TimeSpan Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType == JsonTokenType.Number && reader.TryGetDouble(out double seconds) && Math.Abs(seconds) < TimeSpan.MaxValue.TotalSeconds)
            return new((long)Math.Round(seconds * TimeSpan.TicksPerSecond));
        JsonRefusal.Throw(ref reader, "a number of seconds");
        return default;
    }

    public override void Write(Utf8JsonWriter writer, TimeSpan value, JsonSerializerOptions options) => writer.WriteNumberValue(value.TotalSeconds);
}

/// <summary>A number that is one: what overflows to infinity is refused.</summary>
internal sealed class FiniteConverter : JsonConverter<double>
{
    public override double Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType == JsonTokenType.Number && reader.TryGetDouble(out double value) && double.IsFinite(value))
            return value;
        JsonRefusal.Throw(ref reader, "a number");
        return default;
    }

    public override void Write(Utf8JsonWriter writer, double value, JsonSerializerOptions options) => writer.WriteNumberValue(value);
}

/// <summary>A moment as RFC 3339 in UTC. Read with any offset, never without one.</summary>
internal sealed class MomentConverter : JsonConverter<DateTimeOffset>
{
    public override DateTimeOffset Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType == JsonTokenType.String && JsonRefusal.ReadText(ref reader) is { Length: >= 20 and <= 40 } text && HasOffset(text)
            && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AdjustToUniversal, out var moment))
        {
            return moment;
        }

        JsonRefusal.Throw(ref reader, "a moment like 2026-01-31T12:00:00Z");
        return default;
    }

    public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options) => writer.WriteStringValue(value.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'", CultureInfo.InvariantCulture));

    private static bool HasOffset(string text) => text[4] == '-' && text[7] == '-' && text[10] is 'T' && (text[^1] == 'Z' || (text[^6] is '+' or '-' && text[^3] == ':'));
}
