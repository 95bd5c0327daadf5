using System.Text.Json;
using System.Text.Json.Serialization;

namespace Hypervisor.Sdk.Conformance;

/// <summary>What came of all checks of a target.</summary>
public sealed class ConformanceReport
{
    /// <summary>What was checked, with its version.</summary>
    public required string Target { get; init; }

    /// <summary>The kind of its driver.</summary>
    public required string Kind { get; init; }

    /// <summary>The version that the server says.</summary>
    public required string ServerVersion { get; init; }

    /// <summary>The seed of the generated sequences.</summary>
    public int Seed { get; init; }

    /// <summary>The results, in the order of the checks.</summary>
    public required IReadOnlyList<CheckResult> Results { get; init; }

    /// <summary>How many came out so.</summary>
    public int Count(CheckOutcome outcome) => Results.Count(result => result.Outcome == outcome);

    /// <summary>Whether nothing failed.</summary>
    [JsonIgnore]
    public bool IsConformant => Count(CheckOutcome.Failed) == 0;

    /// <summary>Whether nothing mandatory failed.</summary>
    [JsonIgnore]
    public bool PassesMandatory => Results.All(result => !result.IsMandatory || result.Outcome != CheckOutcome.Failed);

    /// <summary>Reads a report that <see cref="ToJson"/> wrote.</summary>
    /// <exception cref="JsonException">It is none.</exception>
    public static ConformanceReport Parse(string json) => JsonSerializer.Deserialize(json, ReportJson.Default.ConformanceReport) ?? throw new JsonException("The report is empty.");

    /// <summary>The report as JSON.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, ReportJson.Default.ConformanceReport);

    /// <summary>The report as a Markdown page.</summary>
    public string ToMarkdown() => ReportMarkdown.Write(this);
}
