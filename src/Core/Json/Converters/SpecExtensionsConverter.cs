using System.Text.Json;
using System.Text.Json.Serialization;

namespace Hypervisor.Sdk;

/// <summary>The extensions of a spec as an object: the kind of driver, and its extension. Those of kinds that nobody registered are kept as they were read, and refused in requests.</summary>
internal sealed class SpecExtensionsConverter(ModelJsonOptions model) : JsonConverter<SpecExtensions>
{
    public override SpecExtensions Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
            JsonRefusal.Throw(ref reader, "an object of extensions by the kind of their driver");
        var extensions = new SpecExtensions();
        Dictionary<string, JsonElement>? unknown = null;
        var seen = new HashSet<string>(StringComparer.Ordinal);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string kind = JsonRefusal.ReadText(ref reader);
            if (!seen.Add(kind))
                throw new JsonException($"The extension {JsonRefusal.Echo(kind)} is there twice.");
            reader.Read();
            if (model.SpecExtensions.TryGetValue(kind, out var extension))
                extension.Read(ref reader, extensions, options);
            else if (options.UnmappedMemberHandling == JsonUnmappedMemberHandling.Disallow)
                throw new JsonException($"There is no extension {JsonRefusal.Echo(kind)} here{Known()}.", $"{SpecExtensionForm.Path}.{kind}", null, null);
            else
                (unknown ??= [])[kind] = JsonElement.ParseValue(ref reader);
        }

        UnknownFields.Set(extensions, unknown);
        return extensions;
    }

    private string Known() => model.SpecExtensions.Count == 0 ? "" : ": " + string.Join(", ", model.SpecExtensions.Keys);

    public override void Write(Utf8JsonWriter writer, SpecExtensions value, JsonSerializerOptions options)
    {
        writer.WriteStartObject();
        foreach (var item in value.All)
        {
            if (model.LeavesOutUnregistered && !model.Knows(item))
                continue;
            var extension = model.FindSpecExtension(item.GetType());
            writer.WritePropertyName(extension.Kind);
            extension.Write(writer, item, options);
        }

        foreach (var (kind, element) in UnknownFields.Of(value) ?? [])
        {
            writer.WritePropertyName(kind);
            element.WriteTo(writer);
        }

        writer.WriteEndObject();
    }
}
