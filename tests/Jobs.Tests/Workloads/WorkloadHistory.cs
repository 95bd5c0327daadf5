using System.Globalization;
using Hypervisor.Sdk.Jobs.Stores;

namespace Hypervisor.Sdk.Jobs.Tests.Workloads;

/// <summary>Something that happened, at a moment that no worker's clock shows.</summary>
internal abstract record WorkloadEvent
{
    public DateTimeOffset At { get; set; }
}

/// <summary>A job is in the store.</summary>
internal sealed record JobMade(NewJob Job) : WorkloadEvent;

/// <summary>A claim was carried out; how all jobs are afterwards, in the order of their making.</summary>
internal sealed record JobsClaimed(ClaimRequest Request, IReadOnlyList<ClaimedJob> Taken, IReadOnlyList<JobInfo> Jobs, IReadOnlyList<string> Paused) : WorkloadEvent;

/// <summary>The store took a write of an attempt: a renewal (with its new end), a step, or the result of one.</summary>
internal sealed record AttemptWrote(string What, JobId Job, long Token, DateTimeOffset Now, DateTimeOffset? Until = null) : WorkloadEvent;

/// <summary>The store took the end of an attempt.</summary>
internal sealed record AttemptEnded(EndedAttempt Attempt) : WorkloadEvent;

/// <summary>A dead letter is run again.</summary>
internal sealed record JobRetried(JobId Job, DateTimeOffset Now) : WorkloadEvent;

/// <summary>Somebody asked to cancel a job.</summary>
internal sealed record CancelAsked(JobId Job) : WorkloadEvent;

/// <summary>A handler begins.</summary>
internal sealed record HandlerBegan(JobId Job, long Token) : WorkloadEvent;

/// <summary>A handler has come to its end.</summary>
internal sealed record HandlerDone(JobId Job, long Token, IReadOnlyList<string> Steps) : WorkloadEvent;

/// <summary>The backend did what a step asked for.</summary>
internal sealed record EffectDone(JobId Job, string Step, RequestId Request, long Token) : WorkloadEvent;

/// <summary>The backend undid it.</summary>
internal sealed record EffectUndone(JobId Job, string Step, long Token) : WorkloadEvent;

/// <summary>The backend refused a token, as it knew a larger one.</summary>
internal sealed record TokenRefused(JobId Job, long Token, long Known) : WorkloadEvent;

/// <summary>Something broke, or was mended: for who reads the history.</summary>
internal sealed record Note(string Text) : WorkloadEvent;

/// <summary>Everything is over; how all jobs are, and how often each was begun as the store says.</summary>
internal sealed record RunOver(IReadOnlyList<JobInfo> Jobs) : WorkloadEvent;

/// <summary>What happened, in order.</summary>
internal sealed class WorkloadHistory(TimeProvider clock)
{
    private readonly int _thread = Environment.CurrentManagedThreadId;
    private readonly List<WorkloadEvent> _events = [];
    private readonly Dictionary<JobId, int> _numbers = [];

    public IReadOnlyList<WorkloadEvent> Events => _events;

    /// <summary>Where something ran on another thread than the simulation's; null where nothing did.</summary>
    public string? Stray { get; private set; }

    /// <summary>The jobs that are in the store, or were.</summary>
    public Dictionary<JobId, NewJob> Made { get; } = [];

    public void Add(WorkloadEvent happened)
    {
        // What engines do when they shut down is not looked at.
        if (_events is [.., RunOver])
            return;
        LookAtThread();
        happened.At = clock.GetUtcNow();
        if (happened is JobMade made && Made.TryAdd(made.Job.Id, made.Job))
            _numbers[made.Job.Id] = _numbers.Count;
        _events.Add(happened);
    }

    /// <summary>Called wherever something happens: all of it is to happen in one order.</summary>
    public void LookAtThread()
    {
        if (Environment.CurrentManagedThreadId != _thread)
            Stray ??= Environment.StackTrace;
    }

    /// <summary>The number of a job, in the order of their making: ids are random.</summary>
    public string Name(JobId job) => _numbers.TryGetValue(job, out int number) ? string.Create(CultureInfo.InvariantCulture, $"#{number}") : "#?";

    /// <summary>All of it as text, without what differs from run to run.</summary>
    public IEnumerable<string> Lines()
    {
        var start = _events.Count > 0 ? _events[0].At : default;
        foreach (var one in _events)
        {
            if (one is JobsClaimed { Taken.Count: 0 })
                continue;
            yield return string.Create(CultureInfo.InvariantCulture, $"{(one.At - start).TotalSeconds,9:F3} {Text(one)}");
        }
    }

    private string Text(WorkloadEvent one) => one switch
    {
        JobMade { Job: var job } => $"made {Name(job.Id)} {job.Type} priority {job.Priority} lanes [{string.Join(' ', job.Lanes.Select(lane => $"{lane.Key}:{lane.Mode}:{lane.Weight}/{lane.Capacity}"))}] after [{string.Join(' ', job.After.Select(Name))}] rate {job.Rate?.Key} key {job.UniqueKey} due {job.DueAt:HH:mm:ss.fff}",
        JobsClaimed claimed => $"{claimed.Request.Worker} took {string.Join(", ", claimed.Taken.Select(job => $"{Name(job.Id)} attempt {job.Attempt} ({job.CountedAttempts} of {job.MaxAttempts}) token {Short(job.FencingToken)}{(job.CompensatesTo is null ? "" : " to undo")}"))} at its {claimed.Request.Now:HH:mm:ss.fff}",
        AttemptWrote wrote => $"{wrote.What} {Name(wrote.Job)} token {Short(wrote.Token)}",
        AttemptEnded { Attempt: var attempt } => $"end {Name(attempt.Id)} token {Short(attempt.FencingToken)} {attempt.End} {attempt.State}",
        JobRetried retried => $"again {Name(retried.Job)}",
        CancelAsked asked => $"cancel {Name(asked.Job)}",
        HandlerBegan began => $"handler of {Name(began.Job)} token {Short(began.Token)} begins",
        HandlerDone done => $"handler of {Name(done.Job)} token {Short(done.Token)} is done",
        EffectDone effect => $"effect {Name(effect.Job)}/{effect.Step} token {Short(effect.Token)}",
        EffectUndone undone => $"undone {Name(undone.Job)}/{undone.Step} token {Short(undone.Token)}",
        TokenRefused refused => $"refused {Name(refused.Job)} token {Short(refused.Token)} for {Short(refused.Known)}",
        Note note => note.Text,
        RunOver over => "over: " + string.Join(' ', over.Jobs.OrderBy(job => _numbers.GetValueOrDefault(job.Id, -1)).Select(job => $"{Name(job.Id)}={job.State}/{job.Attempts}")),
        _ => one.ToString(),
    };

    // Where a store's tokens begin is its own.
    private static long Short(long token) => token & 0xFFFFF;
}
