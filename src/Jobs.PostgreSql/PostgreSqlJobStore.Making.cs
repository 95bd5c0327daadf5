using Hypervisor.Sdk.Jobs.Stores;

namespace Hypervisor.Sdk.Jobs.PostgreSql;

internal sealed partial class PostgreSqlJobStore
{
    public Task<IReadOnlyList<JobId>> EnqueueAsync(IReadOnlyList<NewJob> jobs, CancellationToken cancellationToken) => jobs.All(IsPlain)
        ? _writer.MakeAsync(jobs, cancellationToken)
        : _writer.WriteAsync<IReadOnlyList<JobId>>(async session =>
        {
            var ids = new JobId[jobs.Count];
            for (int i = 0; i < ids.Length; i++)
                ids[i] = await EnqueueAsync(session, jobs[i]).ConfigureAwait(false);
            return ids;
        }, cancellationToken);

    // Nothing has to be looked at before it is made, and the function that makes many at once knows all of it.
    private static bool IsPlain(NewJob job) => job.UniqueKey is null && job.ChildName is null && job.After.Count == 0 && job.Progress is null;

    private static async Task<JobId> EnqueueAsync(PostgreSqlSession session, NewJob job)
    {
        if (job.ChildName is not null
            && await session.ReadAsync("SELECT id FROM hvsdk_jobs.jobs WHERE parent = $1 AND child = $2", row => JobId.Parse(row.GetString(0)), job.Parent!.Value.ToString(), job.ChildName).ConfigureAwait(false)
            is [var child])
            return child;
        if (job.UniqueKey is not null
            && await session.ReadAsync("SELECT seq, id, state, undo IS NOT NULL OR EXISTS (SELECT 1 FROM hvsdk_jobs.steps WHERE job = seq AND steps.undo) FROM hvsdk_jobs.states JOIN hvsdk_jobs.jobs USING (seq) WHERE unique_key = $1 AND state < 2",
                row => (row.GetInt64(0), JobId.Parse(row.GetString(1)), row.GetInt32(2), row.GetBoolean(3)), job.UniqueKey).ConfigureAwait(false) is [var (held, there, state, undoes)])
        {
            if (job.Uniqueness == JobUniqueness.Ignore)
                return there;
            if (job.Uniqueness == JobUniqueness.Reject || state != (int)JobState.Pending || undoes)
            {
                throw new HypervisorException($"Job {there} has the unique key '{job.UniqueKey}' and {(state != (int)JobState.Pending ? "runs" : undoes ? "has something to undo before it ends" : "has not ended")}. Wait for it, cancel it, or take another key.",
                    ErrorCode.AlreadyExists, RequestOutcome.Rejected) { Resource = there.ToString() };
            }

            await EndAsync(session, held, JobState.Cancelled, job.CreatedAt, $"Job {job.Id} replaced it.").ConfigureAwait(false);
        }

        var waits = await WaitsAsync(session, job).ConfigureAwait(false);
        long seq = session.NextChange();
        await session.RunAsync("""
            WITH job AS (INSERT INTO hvsdk_jobs.jobs (seq, id, type, args, priority, max_attempts, max_lost, parent, child, args_version, trace)
                VALUES ($1, $2, $3, $4, $5, $9, $14, $16, $17, $18, $19)),
            made AS (INSERT INTO hvsdk_jobs.pending (seq, state, change, type, order_ms, due_ms, created_ms, unique_key, retention_ms, lanes, deadline_ms, waiting, args_version, rate_key, rate_limit, rate_ms, progress)
                VALUES ($1, 0, $1, $3, $6, $7, $8, $10, $11, $12, $13, $15, $18, $20, $21, $22, $23) RETURNING order_ms)
            UPDATE hvsdk_jobs.counters SET head_ms = made.order_ms, head_seq = 0 FROM made WHERE made.order_ms < head_ms
            """, seq, job.Id.ToString(), job.Type, job.Args, job.Priority, job.OrderMs, Ms(job.DueAt), Ms(job.CreatedAt), job.MaxAttempts, job.UniqueKey, (long)job.Retention.TotalMilliseconds,
            LaneText.Write(job.Lanes), job.DeadlineAt is { } deadline ? Ms(deadline) : null, job.MaxLostWorkers, waits.Count, job.Parent?.ToString(), job.ChildName,
            job.ArgsVersion, job.TraceParent, job.Rate?.Key, job.Rate?.Limit, (long?)job.Rate?.Period.TotalMilliseconds, job.Progress).ConfigureAwait(false);
        foreach (long on in waits)
            await session.RunAsync("INSERT INTO hvsdk_jobs.waits VALUES ($1, $2, $3)", seq, on, (int)job.AfterRule).ConfigureAwait(false);
        return job.Id;
    }

    // Those of the jobs to wait for that have not ended.
    private static async Task<List<long>> WaitsAsync(PostgreSqlSession session, NewJob job)
    {
        var waits = new List<long>();
        foreach (var on in job.After)
        {
            if (await session.ReadAsync($"SELECT seq, state FROM hvsdk_jobs.states WHERE seq = {Seq}", row => (Seq: row.GetInt64(0), State: (JobState)row.GetInt32(1)), on.ToString()).ConfigureAwait(false) is not [var found])
                throw new HypervisorException($"There is no job {on} to wait for: it was never made here, or it was removed.", ErrorCode.NotFound, RequestOutcome.Rejected) { Resource = on.ToString() };
            if (found.State is JobState.Failed or JobState.Cancelled && job.AfterRule == JobAfterRule.AllCompleted)
            {
                throw new HypervisorException($"Job {on}, to wait for, has ended {(found.State == JobState.Failed ? "FAILED" : "CANCELLED")}: run it again first, or wait for its end only.",
                    ErrorCode.InvalidState, RequestOutcome.Rejected) { Resource = on.ToString() };
            }

            if (found.State is JobState.Pending or JobState.InProgress)
                waits.Add(found.Seq);
        }

        return waits;
    }

    /// <summary>Ends a job that no attempt runs.</summary>
    private static async Task EndAsync(PostgreSqlSession session, long seq, JobState state, DateTimeOffset now, string reason)
    {
        await session.RunAsync("""
            UPDATE hvsdk_jobs.states SET state = $2, error = $3, ended_ms = $4, lease_ms = NULL, cancel = $2 = 4, change = $5, keep_ms = CASE $2 WHEN 4 THEN $4 + retention_ms END WHERE seq = $1
            """, seq, (int)state, reason, Ms(now), session.NextChange()).ConfigureAwait(false);
        if (!await TryCompensateAsync(session, seq, state, now).ConfigureAwait(false))
            await ReleaseAsync(session, seq, state, now).ConfigureAwait(false);
    }

    /// <summary>Where a job that has just ended has something to undo, it has not ended: it is handed out again, to be compensated.</summary>
    private static async Task<bool> TryCompensateAsync(PostgreSqlSession session, long seq, JobState state, DateTimeOffset now) => await session.RunAsync("""
        UPDATE hvsdk_jobs.states SET state = 0, undo = $2, counted = 0, lost = 0, cancel = false, due_ms = $3, ended_ms = NULL, keep_ms = NULL, deadline_ms = NULL
        WHERE seq = $1 AND undo IS NULL AND EXISTS (SELECT 1 FROM hvsdk_jobs.steps WHERE job = $1 AND steps.undo)
        """, seq, (int)state, Ms(now)).ConfigureAwait(false) > 0;

    /// <summary>Tells those who wait for a job that it has ended: they are ready, or cancelled, and then tell those who wait for them.</summary>
    private static async Task ReleaseAsync(PostgreSqlSession session, long seq, JobState state, DateTimeOffset now)
    {
        var ended = new Queue<(long Seq, JobState State)>([(seq, state)]);
        while (ended.TryDequeue(out var job))
        {
            var waiters = await session.ReadAsync("DELETE FROM hvsdk_jobs.waits WHERE on_job = $1 RETURNING job, rule", row => (Seq: row.GetInt64(0), Rule: (JobAfterRule)row.GetInt32(1)), job.Seq).ConfigureAwait(false);
            foreach (var waiter in waiters.OrderBy(waiter => waiter.Seq))
            {
                if (job.State == JobState.Completed || waiter.Rule == JobAfterRule.AllEnded)
                {
                    await session.RunAsync("UPDATE hvsdk_jobs.states SET waiting = waiting - 1, change = $2 WHERE seq = $1", waiter.Seq, session.NextChange()).ConfigureAwait(false);
                }
                else if (await session.RunAsync("""
                    UPDATE hvsdk_jobs.states SET state = 4, waiting = waiting - 1, cancel = true, change = $3, ended_ms = $2, keep_ms = $2 + retention_ms,
                    error = 'Job ' || (SELECT id FROM hvsdk_jobs.jobs WHERE seq = $4) || ', which it waited for, did not complete.' WHERE seq = $1 AND state = 0
                    """, waiter.Seq, Ms(now), session.NextChange(), job.Seq).ConfigureAwait(false) > 0)
                {
                    ended.Enqueue((waiter.Seq, JobState.Cancelled));
                }
                else
                {
                    // It has ended in another way; when it is run again it no longer waits for this one.
                    await session.RunAsync("UPDATE hvsdk_jobs.states SET waiting = waiting - 1 WHERE seq = $1", waiter.Seq).ConfigureAwait(false);
                }
            }
        }
    }
}
