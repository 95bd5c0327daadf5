using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Hypervisor.Sdk;

/// <summary>How the extension of one driver is read and written.</summary>
internal abstract class SpecExtensionForm(string kind)
{
    public string Kind { get; } = kind;

    public abstract Type Type { get; }

    public abstract void Read(ref Utf8JsonReader reader, SpecExtensions into, JsonSerializerOptions options);

    public abstract void Write(Utf8JsonWriter writer, ISpecExtension extension, JsonSerializerOptions options);

    public abstract void Copy(ISpecExtension extension, SpecExtensions into);
}

/// <inheritdoc />
internal sealed class SpecExtensionForm<T>(string kind, JsonTypeInfo<T> typeInfo) : SpecExtensionForm(kind)
    where T : class, ISpecExtension
{
    public override Type Type => typeof(T);

    public override void Read(ref Utf8JsonReader reader, SpecExtensions into, JsonSerializerOptions options) =>
        into.Set(JsonSerializer.Deserialize(ref reader, typeInfo) ?? throw new JsonException($"The extension '{Kind}' is null."));

    public override void Write(Utf8JsonWriter writer, ISpecExtension extension, JsonSerializerOptions options) => JsonSerializer.Serialize(writer, (T)extension, typeInfo);

    public override void Copy(ISpecExtension extension, SpecExtensions into) => into.Set((T)extension);
}
