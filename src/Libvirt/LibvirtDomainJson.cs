using System.Text.Json.Serialization;

namespace Hypervisor.Sdk.Libvirt;

/// <summary>How <see cref="LibvirtDomain"/> is written under <c>"extensions":{"libvirt":{...}}</c>: in camelCase.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, GenerationMode = JsonSourceGenerationMode.Metadata)]
[JsonSerializable(typeof(LibvirtDomain))]
internal sealed partial class LibvirtDomainJson : JsonSerializerContext;
