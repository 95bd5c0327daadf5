using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Hypervisor.Sdk.AspNetCore;

/// <summary>The one JSON form of the model, with the few request bodies that only this API has.</summary>
internal sealed class ApiJson(ModelJson model)
{
    private readonly JsonSerializerOptions _strict = Extend(model.StrictSerializerOptions);

    public JsonSerializerOptions Options { get; } = Extend(model.SerializerOptions);

    public JsonTypeInfo<T> Info<T>() => (JsonTypeInfo<T>)Options.GetTypeInfo(typeof(T));

    /// <summary>For what callers send: unknown and repeated fields are refused.</summary>
    public JsonTypeInfo<T> Strict<T>() => (JsonTypeInfo<T>)_strict.GetTypeInfo(typeof(T));

    public byte[] Bytes<T>(T value) => JsonSerializer.SerializeToUtf8Bytes(value, Info<T>());

    public JsonElement Element<T>(T value) => JsonSerializer.SerializeToElement(value, Info<T>());

    private static JsonSerializerOptions Extend(JsonSerializerOptions model)
    {
        var options = new JsonSerializerOptions(model);
        options.TypeInfoResolverChain.Add(ApiJsonContext.Default);
        options.MakeReadOnly();
        return options;
    }
}
