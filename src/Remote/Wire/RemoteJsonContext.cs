using System.Text.Json.Serialization;

namespace Hypervisor.Sdk.Remote.Wire;

/// <summary>What calls say beside the values that have a form of the model.</summary>
[JsonSourceGenerationOptions(GenerationMode = JsonSourceGenerationMode.Metadata)]
[JsonSerializable(typeof(uint))]
[JsonSerializable(typeof(ulong))]
[JsonSerializable(typeof(long))]
[JsonSerializable(typeof(bool))]
[JsonSerializable(typeof(WatchOptions))]
[JsonSerializable(typeof(ConsoleOptions))]
[JsonSerializable(typeof(CapabilityTarget))]
[JsonSerializable(typeof(Capability))]
[JsonSerializable(typeof(Extent))]
[JsonSerializable(typeof(VolumeAccess))]
[JsonSerializable(typeof(CloneMode))]
[JsonSerializable(typeof(FirewallRule))]
[JsonSerializable(typeof(FirewallScope))]
[JsonSerializable(typeof(SdnZone))]
[JsonSerializable(typeof(SdnVirtualNetwork))]
[JsonSerializable(typeof(AddressRequest))]
[JsonSerializable(typeof(AddressReservation))]
internal sealed partial class RemoteJsonContext : JsonSerializerContext;
