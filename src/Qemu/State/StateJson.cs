using System.Text.Json;
using System.Text.Json.Serialization;

namespace Hypervisor.Sdk.Qemu.State;

/// <summary>The JSON of the state files.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, UseStringEnumConverter = true, RespectRequiredConstructorParameters = true,
    Converters = [typeof(QemuMachineConverter), typeof(StoredSizeConverter)])]
[JsonSerializable(typeof(MachineConfig))]
[JsonSerializable(typeof(Changes.ApplyIntent))]
[JsonSerializable(typeof(Disks.DiskSwap))]
[JsonSerializable(typeof(QemuMachineForm))]
[JsonSerializable(typeof(CloudInitData))]
[JsonSerializable(typeof(ProcessRecord))]
[JsonSerializable(typeof(SnapshotTree))]
[JsonSerializable(typeof(Snapshots.RevertIntent))]
[JsonSerializable(typeof(Migration.MigrationIntent))]
[JsonSerializable(typeof(JournalEntry))]
[JsonSerializable(typeof(List<JournalEntry>))]
internal sealed partial class StateJson : JsonSerializerContext;

/// <summary>A size as its number of bytes.</summary>
internal sealed class StoredSizeConverter : JsonConverter<ByteSize>
{
    public override ByteSize Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TryGetInt64(out long bytes) && bytes >= 0 ? new(bytes) : throw new JsonException("A size is a number of bytes, 0 or more.");

    public override void Write(Utf8JsonWriter writer, ByteSize value, JsonSerializerOptions options) => writer.WriteNumberValue(value.Bytes);
}
