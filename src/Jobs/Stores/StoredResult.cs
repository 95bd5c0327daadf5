namespace Hypervisor.Sdk.Jobs.Stores;

/// <summary>The result of a job.</summary>
public sealed class StoredResult
{
    /// <summary>The name of the job's type.</summary>
    public required string Type { get; init; }

    /// <summary>The result as JSON; null where there is none.</summary>
    public string? Json { get; init; }
}
