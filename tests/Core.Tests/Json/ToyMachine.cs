using System.Text.Json.Serialization;

namespace Hypervisor.Sdk.Tests.Json;

/// <summary>The extension of a driver that does not exist.</summary>
public sealed class ToyMachine : ISpecExtension
{
    [JsonIgnore]
    public string BackendKind => "toy";

    public string Machine { get; set; } = "";
}

[JsonSerializable(typeof(ToyMachine))]
internal sealed partial class ToyContext : JsonSerializerContext;
