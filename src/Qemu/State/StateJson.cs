using System.Text.Json;
using System.Text.Json.Serialization;

namespace Hypervisor.Sdk.Qemu.State;

/// <summary>The JSON of the state files.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, UseStringEnumConverter = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(MachineConfig))]
[JsonSerializable(typeof(Changes.ApplyIntent))]
[JsonSerializable(typeof(CloudInitData))]
[JsonSerializable(typeof(ProcessRecord))]
[JsonSerializable(typeof(SnapshotTree))]
[JsonSerializable(typeof(Snapshots.RevertIntent))]
[JsonSerializable(typeof(JournalEntry))]
[JsonSerializable(typeof(List<JournalEntry>))]
internal sealed partial class StateJson : JsonSerializerContext;
