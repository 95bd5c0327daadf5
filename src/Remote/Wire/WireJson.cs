using System.Text.Json;

namespace Hypervisor.Sdk.Remote.Wire;

/// <summary>How values are written and read: in the model's own form.</summary>
internal sealed class WireJson(ModelJson model)
{
    private readonly JsonSerializerOptions _options = With(model.LeavingOutUnregistered().SerializerOptions);
    private readonly JsonSerializerOptions _strict = With(model.StrictSerializerOptions);

    public ValueWriter Write() => new(_options);

    /// <summary>Whether an extension of a spec can be sent.</summary>
    public bool Knows(ISpecExtension extension) => model.Knows(extension);

    /// <summary>Reads what an answer says: fields that are not known are kept.</summary>
    /// <exception cref="JsonException">It is no array of values.</exception>
    public ValueReader Read(ReadOnlyMemory<byte> values) => new(values, _options);

    /// <summary>Reads what a call says: a field that is not known is refused, because what it asks for would not be done.</summary>
    /// <exception cref="JsonException">It is no array of values.</exception>
    public ValueReader ReadStrict(ReadOnlyMemory<byte> values) => new(values, _strict);

    private static JsonSerializerOptions With(JsonSerializerOptions model)
    {
        var options = new JsonSerializerOptions(model);
        options.TypeInfoResolverChain.Add(RemoteJsonContext.Default);
        options.MakeReadOnly();
        return options;
    }
}
