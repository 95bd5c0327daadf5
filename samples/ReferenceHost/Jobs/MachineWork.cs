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
    [JsonIgnore]
    public RequestId RequestId => RequestId.Parse(Key, null);
}

/// <summary>What the API answered.</summary>
internal sealed record ApiAnswer(int Status, string? ContentType, string? Location, string? RetryAfter, string? PreferenceApplied, byte[] Body);

/// <summary>Looks after what the jobs leave.</summary>
internal sealed record TidyJobs(int Days);

[JsonSerializable(typeof(MachineWork))]
[JsonSerializable(typeof(TidyJobs))]
[JsonSerializable(typeof(string))]
[JsonSerializable(typeof(int))]
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
internal sealed partial class HostJobsJson : JsonSerializerContext;
