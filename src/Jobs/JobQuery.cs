namespace Hypervisor.Sdk.Jobs;

/// <summary>Which jobs a list has.</summary>
public sealed class JobQuery
{
    /// <summary>Only jobs in this state; <see cref="JobState.Failed"/> are the dead letters. Default: any.</summary>
    public JobState? State { get; init; }

    /// <summary>Only jobs of this type. Default: any.</summary>
    public string? Type { get; init; }

    /// <summary>Only jobs made before this one: the last of a page asks for the next. Default: from the newest.</summary>
    public JobId Before { get; init; }
}
