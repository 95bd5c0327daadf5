namespace Hypervisor.Sdk.Jobs;

/// <summary>A line of the log of a job.</summary>
public sealed class JobLogLine
{
    /// <summary>From 1, within the job; grows over all attempts.</summary>
    public required long Number { get; init; }

    /// <summary>The attempt that wrote it.</summary>
    public required int Attempt { get; init; }

    /// <summary>When.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>What the handler said.</summary>
    public required string Text { get; init; }
}
