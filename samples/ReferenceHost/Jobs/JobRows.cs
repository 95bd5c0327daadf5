using System.Text.Json;
using Hypervisor.Sdk.Jobs;

namespace Hypervisor.Sdk.ReferenceHost;

/// <summary>Jobs as the page shows them, read for one request: what others wait for, and who they are, is asked once each.</summary>
internal sealed class JobRows(IJobs jobs)
{
    /// <summary>How many jobs are looked at for one page: beyond it the page says where to go on.</summary>
    private const int MaxLooked = 5_000;

    /// <summary>How many of those that wait are asked what for, to show them beside the lanes.</summary>
    private const int MaxWaiting = 50;

    private const int MaxLines = 200;

    private readonly Dictionary<JobId, PendingReason?> _reasons = [];
    private readonly Dictionary<JobId, string> _names = [];

    /// <summary>The word for a state, as the page has it.</summary>
    public static string WordOf(JobState state) => JsonNamingPolicy.CamelCase.ConvertName(state.ToString());

    /// <summary>The newest jobs that a filter takes, and where to go on: null where there are no more.</summary>
    public async Task<(IReadOnlyList<JobRow> Jobs, string? Next)> ListAsync(JobFilter filter, CancellationToken cancellationToken)
    {
        var shown = new List<JobRow>();
        int looked = 0;
        var last = default(JobId);
        await foreach (var job in jobs.ListAsync(new JobQuery { State = filter.State, Before = filter.Before }, cancellationToken))
        {
            bool isTaken = filter.Takes(job);
            if (looked++ == MaxLooked || (isTaken && shown.Count == filter.Limit))
                return (shown, last.ToString());
            if (isTaken)
                shown.Add(await RowAsync(job, cancellationToken));
            last = job.Id;
        }

        return (shown, null);
    }

    public async Task<JobRow> RowAsync(JobInfo job, CancellationToken cancellationToken)
    {
        _names[job.Id] = NameOf(job);
        var reason = job.State == JobState.Pending ? await ReasonAsync(job.Id, cancellationToken) : null;
        var before = reason?.Job is { } other ? new JobName(other.ToString(), await NameAsync(other, cancellationToken)) : null;
        return new(job.Id.ToString(), job.Type, WordOf(job.State), job.Attempts, job.CreatedAt, job.EndedAt, job.Worker, job.IsCancelRequested, job.Error, job.Progress,
            job.ProgressFraction, reason?.ToString(), before, job.Position);
    }

    /// <summary>One job with its attempts and the newest lines of its log; null where it is not there.</summary>
    public async Task<JobDetail?> DetailAsync(JobId id, CancellationToken cancellationToken)
    {
        if (await jobs.GetAsync(id, cancellationToken) is not { } job)
            return null;
        var lines = new Queue<JobLogLine>();
        bool isCut = false;
        await foreach (var line in jobs.ListLogAsync(id, cancellationToken: cancellationToken))
        {
            lines.Enqueue(line);
            if (lines.Count > MaxLines)
            {
                lines.Dequeue();
                isCut = true;
            }
        }

        var attempts = await jobs.ListAttemptsAsync(id, cancellationToken);
        return new(await RowAsync(job, cancellationToken),
            [.. attempts.Select(attempt => new AttemptRow(attempt.Number, attempt.Worker, attempt.StartedAt, attempt.EndedAt, attempt.End is { } end ? JsonNamingPolicy.CamelCase.ConvertName(end.ToString()) : null, attempt.Reason))],
            [.. lines.Select(line => new LineRow(line.Number, line.Attempt, line.At, line.Text))], isCut);
    }

    /// <summary>The lanes that are held, by whom, and who waits for them, of the newest that wait.</summary>
    public async Task<IReadOnlyList<LaneRow>> LanesAsync(CancellationToken cancellationToken)
    {
        var held = await jobs.ListLanesAsync(cancellationToken);
        if (held.Count == 0)
            return [];
        var waiting = new List<(LaneKey Lane, JobName Job)>();
        int looked = 0;
        await foreach (var job in jobs.ListAsync(new JobQuery { State = JobState.Pending }, cancellationToken))
        {
            if (looked++ == MaxWaiting)
                break;
            if (await ReasonAsync(job.Id, cancellationToken) is { Kind: PendingKind.WaitsForLane, Lane: { } lane })
                waiting.Add((lane, new JobName(job.Id.ToString(), NameOf(job))));
        }

        var rows = new List<LaneRow>();
        foreach (var lane in held)
        {
            var claim = lane.Claim;
            rows.Add(new LaneRow(claim.Key.ToString(), claim.Mode == LaneMode.Exclusive, claim.Weight, claim.Capacity, new JobName(lane.Holder.ToString(), await NameAsync(lane.Holder, cancellationToken)),
                [.. waiting.Where(pair => pair.Lane == claim.Key).Select(pair => pair.Job)]));
        }

        return rows;
    }

    private static string NameOf(JobInfo job) => job.Progress ?? job.Type;

    private async Task<string> NameAsync(JobId id, CancellationToken cancellationToken)
    {
        if (!_names.TryGetValue(id, out string? name))
            _names[id] = name = await jobs.GetAsync(id, cancellationToken) is { } job ? NameOf(job) : id.ToString();
        return name;
    }

    private async Task<PendingReason?> ReasonAsync(JobId id, CancellationToken cancellationToken)
    {
        if (!_reasons.TryGetValue(id, out var reason))
            _reasons[id] = reason = await jobs.GetPendingReasonAsync(id, cancellationToken);
        return reason;
    }
}
