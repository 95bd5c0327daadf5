using System.Text.Json;
using System.Text.Json.Serialization;

namespace Hypervisor.Sdk;

/// <summary>A whole number, a truth value or a text, whose refusal names the value and what was expected.</summary>
internal sealed class PlainConverter<T>(string expected, PlainConverter<T>.Reader read, Action<Utf8JsonWriter, T> write) : JsonConverter<T>
{
    public delegate bool Reader(ref Utf8JsonReader reader, out T value);

    public override T Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (!read(ref reader, out var value))
            JsonRefusal.Throw(ref reader, expected);
        return value;
    }

    public override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options) => write(writer, value);
}

/// <summary>The plain values of JSON.</summary>
internal static class PlainConverters
{
    public static IEnumerable<JsonConverter> All =>
    [
        new PlainConverter<int>("a whole number of 32 bits", ReadInt32, (writer, value) => writer.WriteNumberValue(value)),
        new PlainConverter<long>("a whole number of 64 bits", ReadInt64, (writer, value) => writer.WriteNumberValue(value)),
        new TextConverter<string>("a text", text => text, text => text),
        new PlainConverter<bool>("true or false", ReadBoolean, (writer, value) => writer.WriteBooleanValue(value)),
    ];

    private static bool ReadInt32(ref Utf8JsonReader reader, out int value)
    {
        value = 0;
        return reader.TokenType == JsonTokenType.Number && reader.TryGetInt32(out value);
    }

    private static bool ReadInt64(ref Utf8JsonReader reader, out long value)
    {
        value = 0;
        return reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out value);
    }

    private static bool ReadBoolean(ref Utf8JsonReader reader, out bool value)
    {
        value = reader.TokenType == JsonTokenType.True;
        return value || reader.TokenType == JsonTokenType.False;
    }
}
