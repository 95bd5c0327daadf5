using System.Text.Json;
using System.Text.Json.Serialization;

namespace Hypervisor.Sdk;

/// <summary>A value that is written as its canonical text, as a property's value or as its name.</summary>
internal sealed class TextConverter<T>(string what, Func<string, T> parse, Func<T, string> print) : JsonConverter<T>
{
    public override T Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType != JsonTokenType.String)
            JsonRefusal.Throw(ref reader, $"{what}: a string is expected");
        return Parse(JsonRefusal.ReadText(ref reader));
    }

    public override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options) => writer.WriteStringValue(print(value));

    public override T ReadAsPropertyName(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => Parse(JsonRefusal.ReadText(ref reader));

    public override void WriteAsPropertyName(Utf8JsonWriter writer, T value, JsonSerializerOptions options) => writer.WritePropertyName(print(value));

    private T Parse(string text)
    {
        try
        {
            return parse(text);
        }
        catch (Exception exception) when (exception is FormatException or ArgumentException)
        {
            throw new JsonException(exception is FormatException && exception.Message.Length > 0 ? exception.Message : $"{JsonRefusal.Echo(text)} is not {what}.", exception);
        }
    }
}
