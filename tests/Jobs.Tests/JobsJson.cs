using System.Text.Json.Serialization;

namespace Hypervisor.Sdk.Jobs.Tests;

internal sealed record BuildArgs(string Name);

internal sealed record BuildResult(string Machine, string Disk);

internal sealed record AssembleArgs(string Name, bool Fails);

internal sealed record MachineArgs(string Name);

internal sealed record KillArgs(string Name);

[JsonSerializable(typeof(AssembleArgs))]
[JsonSerializable(typeof(MachineArgs))]
[JsonSerializable(typeof(KillArgs))]
[JsonSerializable(typeof(BuildArgs))]
[JsonSerializable(typeof(BuildResult))]
[JsonSerializable(typeof(string))]
internal sealed partial class JobsJson : JsonSerializerContext;
