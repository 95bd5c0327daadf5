using System.Text.Json.Serialization;

namespace Hypervisor.Sdk.AspNetCore;

[JsonSourceGenerationOptions(GenerationMode = JsonSourceGenerationMode.Metadata, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(ApplyRequest))]
[JsonSerializable(typeof(CommandRequest))]
[JsonSerializable(typeof(ResizeRequest))]
[JsonSerializable(typeof(VolumeCloneRequest))]
internal sealed partial class ApiJsonContext : JsonSerializerContext;
