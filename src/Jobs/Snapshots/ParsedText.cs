using System.Text.Json;
using System.Text.Json.Serialization;

namespace Hypervisor.Sdk.Jobs.Snapshots;

/// <summary>A value by its text.</summary>
internal sealed class ParsedText<T> : JsonConverter<T>
    where T : struct, ISpanParsable<T>
{
    public override T Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => T.Parse(reader.GetString() ?? throw new JsonException("It is null."), null);

    public override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options) => writer.WriteStringValue(value.ToString());
}
