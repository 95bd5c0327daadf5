using System.Text.Json.Serialization;

namespace Hypervisor.Sdk.Jobs.Tests;

internal sealed record BuildArgs(string Name);

internal sealed record BuildResult(string Machine, string Disk);

internal sealed record AssembleArgs(string Name, bool Fails);

internal sealed record MachineArgs(string Name);

internal sealed record SecretArgs(string Name, SecretReference Password);

internal sealed record KillArgs(string Name);

internal sealed record GrowArgsOne(string Name, int MiB);

internal sealed record GrowArgsTwo(string Name, long Bytes);

internal sealed record GrowArgs(string Machine, long Bytes, bool IsOnline);

internal sealed record CloneArgs(string Source, string Name, bool AsksForLanes);

internal sealed record PlainArgs(int Number);

internal sealed record SteppedArgs(int Number);

internal sealed record SagaArgs(int Number);

internal sealed record TickArgs(int Number);

[JsonSerializable(typeof(PlainArgs))]
[JsonSerializable(typeof(SteppedArgs))]
[JsonSerializable(typeof(SagaArgs))]
[JsonSerializable(typeof(TickArgs))]
[JsonSerializable(typeof(GrowArgsOne))]
[JsonSerializable(typeof(GrowArgsTwo))]
[JsonSerializable(typeof(GrowArgs))]
[JsonSerializable(typeof(CloneArgs))]
[JsonSerializable(typeof(AssembleArgs))]
[JsonSerializable(typeof(MachineArgs))]
[JsonSerializable(typeof(KillArgs))]
[JsonSerializable(typeof(SecretArgs))]
[JsonSerializable(typeof(BuildArgs))]
[JsonSerializable(typeof(BuildResult))]
[JsonSerializable(typeof(string))]
internal sealed partial class JobsJson : JsonSerializerContext;
