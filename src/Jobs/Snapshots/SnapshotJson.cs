using System.Text.Json.Serialization;

namespace Hypervisor.Sdk.Jobs.Snapshots;

/// <summary>How its arguments and its result are written.</summary>
[JsonSerializable(typeof(ScheduledSnapshot))]
[JsonSerializable(typeof(string))]
internal sealed partial class SnapshotJson : JsonSerializerContext;
