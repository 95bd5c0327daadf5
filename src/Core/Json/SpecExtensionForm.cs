using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Hypervisor.Sdk;

/// <summary>How the extension of one driver is read and written.</summary>
internal abstract class SpecExtensionForm(string kind)
{
    /// <summary>Where extensions are in a spec and in a change.</summary>
    public const string Path = "$.extensions";

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
    private readonly ConditionalWeakTable<JsonSerializerOptions, JsonTypeInfo<T>> _inside = [];

    public override Type Type => typeof(T);

    public override void Read(ref Utf8JsonReader reader, SpecExtensions into, JsonSerializerOptions options)
    {
        try
        {
            into.Set(JsonSerializer.Deserialize(ref reader, _inside.GetValue(options, Inside)) ?? throw new JsonException("An extension is an object, and this one is null."));
        }
        catch (JsonException failure)
        {
            // What reads it on its own knows the path within it only.
            throw new JsonException(failure.Message, $"{Path}.{Kind}{failure.Path?.TrimStart('$')}", null, null, failure);
        }
    }

    public override void Write(Utf8JsonWriter writer, ISpecExtension extension, JsonSerializerOptions options) => JsonSerializer.Serialize(writer, (T)extension, _inside.GetValue(options, Inside));

    public override void Copy(ISpecExtension extension, SpecExtensions into) => into.Set((T)extension);

    /// <summary>The driver's types in the form that is around them: its strictness, its values; the names and the converters stay the driver's.</summary>
    private JsonTypeInfo<T> Inside(JsonSerializerOptions around)
    {
        var options = new JsonSerializerOptions(around)
        {
            TypeInfoResolver = JsonTypeInfoResolver.Combine(typeInfo.Options.TypeInfoResolver, around.TypeInfoResolver),
            PropertyNamingPolicy = typeInfo.Options.PropertyNamingPolicy,
            DictionaryKeyPolicy = typeInfo.Options.DictionaryKeyPolicy,
            DefaultIgnoreCondition = typeInfo.Options.DefaultIgnoreCondition,
        };
        for (int i = typeInfo.Options.Converters.Count - 1; i >= 0; i--)
            options.Converters.Insert(0, typeInfo.Options.Converters[i]);
        options.MakeReadOnly();
        return (JsonTypeInfo<T>)options.GetTypeInfo(typeof(T));
    }
}
