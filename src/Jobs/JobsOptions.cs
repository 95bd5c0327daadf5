namespace Hypervisor.Sdk.Jobs;

/// <summary>How a process enqueues and runs jobs.</summary>
public sealed class JobsOptions
{
    /// <summary>How many jobs run here at a time. 0 makes a process that only enqueues; at most 1,000; default 4.</summary>
    public int Concurrency { get; set; } = 4;

    /// <summary>How long a worker that does not answer keeps a job. Renewed at a third of it. 1 s to 1 h; default 30 s.</summary>
    public TimeSpan Lease { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How often an idle worker looks for jobs that another process made. 1 s to 1 min; default 1.25 s: with what is done once a minute, an idle process
    /// asks its store less than once a second then.</summary>
    public TimeSpan PollInterval { get; set; } = TimeSpan.FromSeconds(1.25);

    /// <summary>
    /// How long an attempt that was asked to stop (cancelled, out of time) may go on; then it is abandoned: its end is stored without it and nothing that it writes later counts, but what it does to
    /// the outside cannot be stopped. Zero to 1 h; default 30 s.
    /// </summary>
    public TimeSpan AbandonAfter { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// How long jobs that are ready may be left because their type, or the version of their arguments, is unknown to this process: then that is logged as an error, and the health is degraded, until
    /// somebody has taken them. 1 s to 30 days; default 15 min.
    /// </summary>
    public TimeSpan UnknownAlarmAfter { get; set; } = TimeSpan.FromMinutes(15);

    /// <summary>The longest arguments or result of a job, as UTF-8 JSON in bytes. 1 KiB to 64 MiB; default 256 KiB.</summary>
    public int MaxPayloadBytes { get; set; } = 256 * 1024;

    /// <summary>How the worker is named in attempts, by 1 to 256 characters. Default: machine, process and a random part.</summary>
    public string Worker { get; set; } = $"{Environment.MachineName}/{Environment.ProcessId}/{Guid.NewGuid().ToString("N")[..6]}";

    /// <summary>The clock. Default <see cref="TimeProvider.System"/>.</summary>
    public TimeProvider TimeProvider { get; set; } = TimeProvider.System;

    /// <summary>Where the jitter of retries comes from, used by one call at a time. Default <see cref="System.Random.Shared"/>.</summary>
    public Random Random { get; set; } = Random.Shared;

    /// <summary>
    /// Where runs what is begun or told apart from its caller, as an action that runs later and is not within the caller's: null for the thread pool. A simulation hands in its loop: all that an engine does is then in the
    /// order of that loop, on its thread.
    /// </summary>
    internal Action<Action>? Loop { get; set; }

    internal void Validate()
    {
        if (Concurrency is < 0 or > 1000)
            throw new ArgumentException($"{nameof(Concurrency)} is {Concurrency}; it is 0 to 1,000.");
        if (Lease < TimeSpan.FromSeconds(1) || Lease > TimeSpan.FromHours(1))
            throw new ArgumentException($"{nameof(Lease)} is {Lease}; it is 1 s to 1 h.");
        if (AbandonAfter < TimeSpan.Zero || AbandonAfter > TimeSpan.FromHours(1))
            throw new ArgumentException($"{nameof(AbandonAfter)} is {AbandonAfter}; it is zero to 1 h.");
        if (PollInterval < TimeSpan.FromSeconds(1) || PollInterval > TimeSpan.FromMinutes(1))
            throw new ArgumentException($"{nameof(PollInterval)} is {PollInterval}; it is 1 s to 1 min.");
        if (UnknownAlarmAfter < TimeSpan.FromSeconds(1) || UnknownAlarmAfter > TimeSpan.FromDays(30))
            throw new ArgumentException($"{nameof(UnknownAlarmAfter)} is {UnknownAlarmAfter}; it is 1 s to 30 days.");
        if (MaxPayloadBytes is < 1024 or > 64 * 1024 * 1024)
            throw new ArgumentException($"{nameof(MaxPayloadBytes)} is {MaxPayloadBytes}; it is 1 KiB to 64 MiB.");
        if (string.IsNullOrEmpty(Worker) || Worker.Length > 256)
            throw new ArgumentException($"{nameof(Worker)} is '{Worker}', of {Worker?.Length ?? 0} characters; it has 1 to 256.");
        if (TimeProvider is null)
            throw new ArgumentException($"{nameof(TimeProvider)} is null; the clock of the system is {nameof(System.TimeProvider)}.{nameof(System.TimeProvider.System)}.");
        if (Random is null)
            throw new ArgumentException($"{nameof(Random)} is null; one that every thread may use is {nameof(System.Random)}.{nameof(System.Random.Shared)}.");
    }
}
