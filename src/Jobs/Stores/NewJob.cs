namespace Hypervisor.Sdk.Jobs.Stores;

/// <summary>A job to be made.</summary>
public sealed class NewJob
{
    /// <summary>Its id.</summary>
    public required JobId Id { get; init; }

    /// <summary>The name of its type.</summary>
    public required string Type { get; init; }

    /// <summary>Its arguments as JSON.</summary>
    public required string Args { get; init; }

    /// <summary>The version of its arguments.</summary>
    public int ArgsVersion { get; init; } = 1;

    /// <summary>When it was made.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>Not to be taken before.</summary>
    public required DateTimeOffset DueAt { get; init; }

    /// <summary>How often it is tried at most.</summary>
    public required int MaxAttempts { get; init; }

    /// <summary>How long it is kept when it has ended COMPLETED or CANCELLED.</summary>
    public TimeSpan Retention { get; init; }

    /// <summary>Its priority.</summary>
    public int Priority { get; init; }

    /// <summary>Its lanes, in the order of their keys, each once.</summary>
    public IReadOnlyList<LaneClaim> Lanes { get; init; } = [];

    /// <summary>Its unique key.</summary>
    public string? UniqueKey { get; init; }

    /// <summary>What happens where the key is taken.</summary>
    public JobUniqueness Uniqueness { get; init; }

    /// <summary>How many of its key may begin within a time.</summary>
    public JobRate? Rate { get; init; }

    /// <summary>The span that made it, as a <c>traceparent</c> of W3C Trace Context; at most 55 characters.</summary>
    public string? TraceParent { get; init; }

    /// <summary>When it is FAILED unless it has ended.</summary>
    public DateTimeOffset? DeadlineAt { get; init; }

    /// <summary>How often in a row it may lose its worker.</summary>
    public int MaxLostWorkers { get; init; } = 3;

    /// <summary>The jobs that have to end first.</summary>
    public IReadOnlyList<JobId> After { get; init; } = [];

    /// <summary>How they have to end.</summary>
    public JobAfterRule AfterRule { get; init; }

    /// <summary>The job that makes it.</summary>
    public JobId? Parent { get; init; }

    /// <summary>Its name among the children of <see cref="Parent"/>: made once, however often the parent runs.</summary>
    public string? ChildName { get; init; }

    /// <summary>What is said of it until its handler says something.</summary>
    public string? Progress { get; init; }

    /// <summary>Its place in the queue, in milliseconds: a priority counts as a minute of waiting for each step.</summary>
    public long OrderMs => DueAt.ToUnixTimeMilliseconds() - (Priority * 60_000L);
}
