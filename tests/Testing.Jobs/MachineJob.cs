using System.Text.Json.Serialization;

namespace Hypervisor.Sdk.Testing.Jobs;

/// <summary>Makes a machine and brings it to where it is to end.</summary>
/// <param name="Name">Its name.</param>
/// <param name="End">One of the words of this class.</param>
public sealed record MachineJob(string Name, string End)
{
    /// <summary>It runs.</summary>
    public const string Running = "running";

    /// <summary>It ran, and was stopped.</summary>
    public const string Stopped = "stopped";

    /// <summary>It ran, was stopped and deleted.</summary>
    public const string Deleted = "deleted";

    /// <summary>It was never started.</summary>
    public const string Made = "made";

    /// <summary>It was there before, and is only started and stopped.</summary>
    public const string Cycled = "cycled";
}

[JsonSerializable(typeof(MachineJob))]
[JsonSerializable(typeof(string))]
internal sealed partial class MachineJson : JsonSerializerContext;
