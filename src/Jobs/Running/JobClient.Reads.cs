using System.Runtime.CompilerServices;

namespace Hypervisor.Sdk.Jobs.Running;

internal sealed partial class JobClient
{
    private const int PageRows = 256;

    public Task<JobInfo?> GetAsync(JobId id, CancellationToken cancellationToken = default) => store.GetAsync(id, cancellationToken);

    public async IAsyncEnumerable<JobInfo> ListAsync(JobQuery? query = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        query ??= new JobQuery();
        while (true)
        {
            var page = await store.ListAsync(query, PageRows, cancellationToken).ConfigureAwait(false);
            foreach (var job in page)
                yield return job;
            if (page.Count < PageRows)
                yield break;
            query = new JobQuery { State = query.State, Type = query.Type, Before = page[^1].Id };
        }
    }

    public Task<IReadOnlyList<JobLane>> ListLanesAsync(CancellationToken cancellationToken = default) => store.ListLanesAsync(cancellationToken);

    public Task<IReadOnlyList<JobAttempt>> ListAttemptsAsync(JobId id, CancellationToken cancellationToken = default) => store.ListAttemptsAsync(id, cancellationToken);

    public async IAsyncEnumerable<JobLogLine> ListLogAsync(JobId id, long after = 0, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        while (true)
        {
            var page = await store.ListLogAsync(id, after, PageRows, cancellationToken).ConfigureAwait(false);
            foreach (var line in page)
                yield return line;
            if (page.Count < PageRows)
                yield break;
            after = page[^1].Number;
        }
    }

    public async Task<PendingReason?> GetPendingReasonAsync(JobId id, CancellationToken cancellationToken = default)
    {
        var reason = await store.GetPendingReasonAsync(id, Now, cancellationToken).ConfigureAwait(false);
        if (reason is not { Kind: PendingKind.Queued })
            return reason;
        var job = await store.GetAsync(id, cancellationToken).ConfigureAwait(false);
        return job is { State: JobState.Pending } && !Knows(job.Type, job.ArgsVersion) ? new PendingReason { Kind = PendingKind.NoHandlerHere } : reason;
    }

    public async Task<JobInfo> WaitAsync(JobId id, CancellationToken cancellationToken = default)
    {
        while (true)
        {
            using var watch = signals.Watch(id);
            var info = await store.GetAsync(id, cancellationToken).ConfigureAwait(false)
                ?? throw new HypervisorException($"There is no job {id}: it was never made here, or it was removed.", ErrorCode.NotFound, RequestOutcome.Rejected);
            if (info.HasEnded)
                return info;
            await watch.Change.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    public async Task<TResult> WaitAsync<TResult>(JobId id, CancellationToken cancellationToken = default)
    {
        var ended = await WaitAsync(id, cancellationToken).ConfigureAwait(false);
        if (ended.State != JobState.Completed)
            throw new JobFailedException(ended);
        if (!_byType.TryGetValue(ended.Type, out var registration))
            throw new ArgumentException($"No handler of job type '{ended.Type}' is registered here: what it returns cannot be read.", nameof(id));
        if (registration is not IReadsResult<TResult> reader)
            throw new ArgumentException($"Jobs of type '{ended.Type}' do not return a {typeof(TResult).Name}.", nameof(id));
        var stored = await store.GetResultAsync(id, cancellationToken).ConfigureAwait(false);
        return stored?.Json is { } json ? reader.ReadResult(json)
            : throw new HypervisorException($"There is no result of job {id} any longer: it was removed.", ErrorCode.NotFound, RequestOutcome.Rejected);
    }

    public Task<long> GetPositionAsync(CancellationToken cancellationToken = default) => store.GetPositionAsync(cancellationToken);

    public async IAsyncEnumerable<JobInfo> WatchAsync(long after = 0, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(after);
        while (true)
        {
            var change = signals.Change;
            var page = await store.ListChangesAsync(after, PageRows, cancellationToken).ConfigureAwait(false);
            foreach (var job in page)
            {
                after = job.Position;
                yield return job;
            }

            if (page.Count < PageRows)
                await change.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }
}
