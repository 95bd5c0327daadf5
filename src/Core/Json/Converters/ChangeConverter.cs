using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Hypervisor.Sdk;

/// <summary>A change of one value: absent where it is not mentioned, null where it is cleared.</summary>
internal sealed class ChangeConverter<T>(bool canClear) : JsonConverter<Change<T>>
{
    public override bool HandleNull => true;

    public static bool IsSet(object? change) => change is Change<T> { IsSet: true };

    public override Change<T> Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType == JsonTokenType.Null && !canClear)
            throw new JsonException("null would clear it, and it cannot be cleared.");
        return Change<T>.ToChange(JsonSerializer.Deserialize(ref reader, (JsonTypeInfo<T>)options.GetTypeInfo(typeof(T)))!);
    }

    public override void Write(Utf8JsonWriter writer, Change<T> value, JsonSerializerOptions options)
    {
        if (value.Value is null)
            writer.WriteNullValue();
        else
            JsonSerializer.Serialize(writer, value.Value, (JsonTypeInfo<T>)options.GetTypeInfo(typeof(T)));
    }
}
