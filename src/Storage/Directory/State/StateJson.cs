using System.Text.Json.Serialization;

namespace Hypervisor.Sdk.Storage.Directory;

/// <summary>The files of the state, in JSON. Members that are not known stay away from older versions' eyes: a record is never written back changed.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(RequestRecord))]
[JsonSerializable(typeof(LeaseRecord))]
internal sealed partial class StateJson : JsonSerializerContext;
