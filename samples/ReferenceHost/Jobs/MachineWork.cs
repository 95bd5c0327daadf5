using System.Text.Json.Serialization;

namespace Hypervisor.Sdk.ReferenceHost;

/// <summary>Something that is to be done to a machine: a request to the API that begins work, as a job.</summary>
/// <param name="What">In words, such as <c>start instance</c>.</param>
/// <param name="Target">The machine, as its people call it.</param>
/// <param name="Method">The method.</param>
/// <param name="Path">The path, without its query.</param>
/// <param name="Query">The query, with its question mark; or empty.</param>
/// <param name="ContentType">Of the body.</param>
/// <param name="IfMatch">The revision that it is for.</param>
/// <param name="Prefer">How long the caller waits for the end.</param>
/// <param name="Key">The caller's id of the request, or the host's where the caller has none.</param>
/// <param name="Body">The body, as it came.</param>
internal sealed record MachineWork(string What, string Target, string Method, string Path, string Query, string? ContentType, string? IfMatch, string? Prefer, string Key, byte[] Body)
{
    public const string RunCommand = "run command";
    public const string UploadFile = "upload file";
    public const string DeleteFile = "delete file";
    public const string AddPort = "add port";
    public const string RemovePort = "remove port";

    /// <summary>Whether the API answers with what was done, and not with an operation that goes on.</summary>
    [JsonIgnore]
    public bool IsDirect => What is RunCommand or UploadFile or DeleteFile or AddPort or RemovePort;

    [JsonIgnore]
    public RequestId RequestId => RequestId.Parse(Key, null);

    /// <summary>What is said of it: what, to whom, and how far that is.</summary>
    public string Say(string stage = "") => $"{What}: {Target}{(stage.Length > 0 ? ", " + stage : "")}";

    /// <summary>Whether what is said of a job says that something is done to a machine of that name.</summary>
    public static bool IsAbout(string? said, string machine) => said?.IndexOf(": ", StringComparison.Ordinal) is { } at and > 0
        && said.AsSpan(at + 2) is var rest && rest.StartsWith(machine, StringComparison.Ordinal) && (rest.Length == machine.Length || rest[machine.Length..].StartsWith(", ", StringComparison.Ordinal));
}

/// <summary>A file to be written in a guest. What it is to hold is kept beside the jobs.</summary>
/// <param name="Work">The request, without its body.</param>
/// <param name="File">The name of the file that has the body.</param>
/// <param name="Key">By what it is encrypted.</param>
/// <param name="Length">How long the body is.</param>
internal sealed record UploadWork(MachineWork Work, string File, byte[] Key, long Length);

/// <summary>Looks after what the jobs leave.</summary>
internal sealed record TidyJobs(int Days);

[JsonSerializable(typeof(MachineWork))]
[JsonSerializable(typeof(UploadWork))]
[JsonSerializable(typeof(ApiAnswer))]
[JsonSerializable(typeof(TidyJobs))]
[JsonSerializable(typeof(string))]
[JsonSerializable(typeof(int))]
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
internal sealed partial class HostJobsJson : JsonSerializerContext;
