using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Hypervisor.Sdk;

/// <summary>Text as a string, a reference to a secret as <c>{"secret":"name","version":"2"}</c>.</summary>
internal sealed class SecretOrTextConverter : JsonConverter<SecretOrText>
{
    public override SecretOrText Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType == JsonTokenType.String)
            return JsonRefusal.ReadText(ref reader);
        if (reader.TokenType != JsonTokenType.StartObject)
            JsonRefusal.ThrowSecret(ref reader, "a text or {\"secret\":\"name\"}");
        return SecretReferenceConverter.ReadForm(ref reader, options);
    }

    public override void Write(Utf8JsonWriter writer, SecretOrText value, JsonSerializerOptions options)
    {
        if (value.TryGetText(out string? text))
            writer.WriteStringValue(text);
        else if (value.TryGetSecret(out var secret))
            SecretReferenceConverter.WriteForm(writer, secret, options);
    }
}

/// <summary>A reference to a secret as <c>{"secret":"name","version":"2"}</c>.</summary>
internal sealed class SecretReferenceConverter : JsonConverter<SecretReference>
{
    public static SecretReference ReadForm(ref Utf8JsonReader reader, JsonSerializerOptions options)
    {
        var form = JsonSerializer.Deserialize(ref reader, (JsonTypeInfo<SecretForm>)options.GetTypeInfo(typeof(SecretForm)))!;
        return new(form.Secret, form.Version);
    }

    public static void WriteForm(Utf8JsonWriter writer, SecretReference secret, JsonSerializerOptions options) =>
        JsonSerializer.Serialize(writer, new SecretForm { Secret = secret.Name, Version = secret.Version }, (JsonTypeInfo<SecretForm>)options.GetTypeInfo(typeof(SecretForm)));

    public override SecretReference Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => ReadForm(ref reader, options);

    public override void Write(Utf8JsonWriter writer, SecretReference value, JsonSerializerOptions options) => WriteForm(writer, value, options);
}
