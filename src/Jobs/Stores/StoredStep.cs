namespace Hypervisor.Sdk.Jobs.Stores;

/// <summary>A step of a job: an intent, and a result where there is one.</summary>
public sealed class StoredStep
{
    /// <summary>Its name within the job.</summary>
    public required string Name { get; init; }

    /// <summary>The request it was sent with.</summary>
    public required RequestId Request { get; init; }

    /// <summary>True when it is undone where the job fails or is cancelled.</summary>
    public bool HasCompensation { get; init; }

    /// <summary>The result as JSON; null while only the intent is there.</summary>
    public string? Result { get; init; }
}
