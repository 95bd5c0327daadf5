namespace Hypervisor.Sdk.Jobs;

/// <summary>What one job wants beyond its arguments.</summary>
public sealed class JobOptions
{
    /// <summary>Larger goes first: each step of one counts as a minute of waiting. -1,000 to 1,000; default 0.</summary>
    public int Priority { get; init; }

    /// <summary>Not before this long from now. Default: at once.</summary>
    public TimeSpan Delay { get; init; }

    /// <summary>From now on; a job that has not ended then is FAILED, and one that runs is asked to stop. Above zero, at most ten years. Default: none.</summary>
    public TimeSpan? Deadline { get; init; }

    /// <summary>Jobs that have to end before this one is taken; at most 1,024. Default: none.</summary>
    public IReadOnlyList<JobId> After { get; init; } = [];

    /// <summary>How they have to end. Default <see cref="JobAfterRule.AllCompleted"/>.</summary>
    public JobAfterRule AfterRule { get; init; }

    /// <summary>
    /// The lanes that the job holds while it runs, taken together with those that the engine asks for where the handler says its work by <see cref="IJobWork{TArgs}"/>. At most 64; a key is named once.
    /// </summary>
    public IReadOnlyList<LaneClaim> Lanes { get; init; } = [];

    /// <summary>How many jobs of a key may begin within a time. One that has to wait for that holds no lane meanwhile, and is overtaken in its lanes as one that is not due yet. Default: no limit.</summary>
    public JobRate? Rate { get; init; }

    /// <summary>What it is, in words, for those who look at it before its handler has said anything: <see cref="JobInfo.Progress"/> until then. At most 1,024 characters are kept. Never a secret: it is not encrypted. Default: nothing.</summary>
    public string? Progress { get; init; }

    /// <summary>A key that at most one job has that has not ended; up to 256 characters. Default: none.</summary>
    public string? UniqueKey { get; init; }

    /// <summary>What happens where <see cref="UniqueKey"/> is taken. Default <see cref="JobUniqueness.Ignore"/>.</summary>
    public JobUniqueness Uniqueness { get; init; }
}
