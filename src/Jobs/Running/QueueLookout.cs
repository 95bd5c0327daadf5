using Hypervisor.Sdk.Jobs.Stores;
using Microsoft.Extensions.Logging;

namespace Hypervisor.Sdk.Jobs.Running;

/// <summary>Looks at what is ready, a few times a minute: for the gauge, and for jobs that nobody takes because nobody knows them. Used by the worker's loop; read by the health check.</summary>
internal sealed class QueueLookout(IJobStore store, JobsOptions options, JobMeasures measures, ILogger<QueueLookout> logger)
{
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan IntervalWhenAsked = TimeSpan.FromSeconds(15);

    private readonly HashSet<(string Type, int Version)> _told = [];
    private volatile IReadOnlyList<ReadyJobs> _left = [];
    private long _turnTicks;

    /// <summary>When to look next.</summary>
    public DateTimeOffset NextAt { get; private set; }

    /// <summary>Jobs that have been ready for too long, and that this process does not know.</summary>
    public IReadOnlyList<ReadyJobs> Left => _left;

    /// <summary>When the worker's loop last came round; null where none runs here.</summary>
    public DateTimeOffset? LastTurnAt => Volatile.Read(ref _turnTicks) is > 0 and var ticks ? new DateTimeOffset(ticks, TimeSpan.Zero) : null;

    public void Turned(DateTimeOffset now) => Volatile.Write(ref _turnTicks, now.UtcTicks);

    /// <summary>The clock went back: the next look is not an hour away.</summary>
    public void LookNow() => NextAt = default;

    public async Task LookAsync(Func<string, int, bool> knows, DateTimeOffset now)
    {
        // Said before it is asked: a store that fails is asked again by the next turn but one, not by each.
        NextAt = now + (measures.IsReadyAskedFor ? IntervalWhenAsked : Interval);
        if (options.UnknownAlarmAfter < Interval && now + options.UnknownAlarmAfter < NextAt)
            NextAt = now + options.UnknownAlarmAfter;
        var ready = await store.ListReadyAsync(now, CancellationToken.None).ConfigureAwait(false);
        measures.Ready(ready);
        _left = [.. ready.Where(jobs => !knows(jobs.Type, jobs.ArgsVersion) && jobs.OldestDueAt <= now - options.UnknownAlarmAfter)];
        foreach (var jobs in _left)
        {
            if (_told.Add((jobs.Type, jobs.ArgsVersion)))
            {
                logger.LogError("{Count} jobs of type '{Type}' with arguments of version {Version} are ready, the oldest since {OldestDueAt:O}, and nobody takes them. This process does not know them: start a worker that does.",
                    jobs.Count, jobs.Type, jobs.ArgsVersion, jobs.OldestDueAt);
            }
        }

        _told.RemoveWhere(told => !_left.Any(jobs => (jobs.Type, jobs.ArgsVersion) == told));
    }
}
