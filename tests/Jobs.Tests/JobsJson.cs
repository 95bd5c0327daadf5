using System.Text.Json.Serialization;

namespace Hypervisor.Sdk.Jobs.Tests;

internal sealed record BuildArgs(string Name);

internal sealed record BuildResult(string Machine, string Disk);

[JsonSerializable(typeof(BuildArgs))]
[JsonSerializable(typeof(BuildResult))]
[JsonSerializable(typeof(string))]
internal sealed partial class JobsJson : JsonSerializerContext;
