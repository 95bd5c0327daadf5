namespace Hypervisor.Sdk.Jobs;

/// <summary>A job that recurs.</summary>
public sealed class JobSchedule
{
    /// <summary>Its name; a second schedule of the same name takes the place of the first. 1 to 128 characters.</summary>
    public required string Name { get; init; }

    /// <summary>When, as <see cref="CronExpression"/> reads it.</summary>
    public required string Cron { get; init; }

    /// <summary>Whose clocks count, by the name of the IANA database. Default <c>UTC</c>.</summary>
    public string Zone { get; init; } = "UTC";

    /// <summary>What becomes of times that passed while nobody ran. Default <see cref="CronCatchUp.One"/>.</summary>
    public CronCatchUp CatchUp { get; init; }

    /// <summary>True lets a job begin while the one before runs. Default: a time that comes while the job before has not ended is skipped (with <see cref="CronCatchUp.All"/> it waits).</summary>
    public bool AllowsOverlap { get; init; }

    /// <summary>Each job waits a random part of this, so that not all begin in the same second. Zero to 1 h. Default zero.</summary>
    public TimeSpan Jitter { get; init; }

    /// <summary>How many of its jobs, and of all others of that key, may begin within a time. One that has to wait for that counts as one that has not ended. Default: no limit.</summary>
    public JobRate? Rate { get; init; }

    /// <summary>The next time; null in a schedule that is being made.</summary>
    public DateTimeOffset? NextAt { get; init; }
}
