using Hypervisor.Sdk.Jobs.Stores;

namespace Hypervisor.Sdk.Jobs.Sqlite;

internal sealed partial class SqliteJobStore
{
    public Task<IReadOnlyList<JobId>> EnqueueAsync(IReadOnlyList<NewJob> jobs, CancellationToken cancellationToken) =>
        jobs.All(job => job.UniqueKey is null && job.After.Count == 0) ? _writer.MakeAsync<IReadOnlyList<JobId>>(session => Enqueue(session, jobs), cancellationToken)
            : _writer.WriteAsync<IReadOnlyList<JobId>>(session => Enqueue(session, jobs), cancellationToken);

    private static JobId[] Enqueue(SqliteSession session, IReadOnlyList<NewJob> jobs)
    {
        var ids = new JobId[jobs.Count];
        for (int i = 0; i < ids.Length; i++)
            ids[i] = Enqueue(session, jobs[i]);
        return ids;
    }

    private static JobId Enqueue(SqliteSession session, NewJob job)
    {
        if (job.ChildName is not null
            && session.Read("SELECT id FROM jobs WHERE parent = $0 AND child = $1", row => JobId.Parse(row.GetString(0)), job.Parent!.Value.ToString(), job.ChildName) is [var child])
            return child;
        if (job.UniqueKey is not null
            && session.Read("SELECT seq, id, state, undo IS NOT NULL OR EXISTS (SELECT 1 FROM steps WHERE job = seq AND steps.undo) FROM jobs WHERE unique_key = $0 AND state < 2",
                row => (row.GetInt64(0), JobId.Parse(row.GetString(1)), row.GetInt32(2), row.GetBoolean(3)), job.UniqueKey) is [var (seq, there, state, undoes)])
        {
            if (job.Uniqueness == JobUniqueness.Ignore)
                return there;
            if (job.Uniqueness == JobUniqueness.Reject || state != (int)JobState.Pending || undoes)
            {
                throw new HypervisorException($"Job {there} has the unique key '{job.UniqueKey}' and {(state != (int)JobState.Pending ? "runs" : undoes ? "has something to undo before it ends" : "has not ended")}. Wait for it, cancel it, or take another key.",
                    ErrorCode.AlreadyExists, RequestOutcome.Rejected) { Resource = there.ToString() };
            }

            End(session, seq, JobState.Cancelled, job.CreatedAt, $"Job {job.Id} replaced it.");
        }

        var waits = Waits(session, job);
        session.Run("""
            INSERT INTO jobs (id, type, args, state, priority, order_ms, due_ms, created_ms, attempts, counted, max_attempts, cancel, unique_key, retention_ms, lane_count, change,
                deadline_ms, max_lost, waiting, parent, child, args_version, trace, rate_key, rate_limit, rate_ms, progress)
            VALUES ($0, $1, $2, 0, $3, $4, $5, $6, 0, 0, $7, 0, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)
            """, job.Id.ToString(), job.Type, job.Args, job.Priority, job.OrderMs, Ms(job.DueAt), Ms(job.CreatedAt), job.MaxAttempts, job.UniqueKey, (long)job.Retention.TotalMilliseconds,
            job.Lanes.Count, session.Next(Change), job.DeadlineAt is { } deadline ? Ms(deadline) : null, job.MaxLostWorkers, waits.Count, job.Parent?.ToString(), job.ChildName,
            job.ArgsVersion, job.TraceParent, job.Rate?.Key, job.Rate?.Limit, (long?)job.Rate?.Period.TotalMilliseconds, job.Progress);
        if (job.Lanes.Count == 0 && waits.Count == 0)
            return job.Id;

        long made = session.Read("SELECT last_insert_rowid()", row => row.GetInt64(0))[0];
        foreach (var lane in job.Lanes)
            session.Run("INSERT INTO lanes VALUES ($0, $1, $2, $3, $4)", made, lane.Key.ToString(), lane.Mode == LaneMode.Exclusive ? 1 : 0, lane.Weight, lane.Capacity);
        foreach (long on in waits)
            session.Run("INSERT INTO waits VALUES ($0, $1, $2)", made, on, (int)job.AfterRule);
        return job.Id;
    }

    // Those of the jobs to wait for that have not ended.
    private static List<long> Waits(SqliteSession session, NewJob job)
    {
        var waits = new List<long>();
        foreach (var on in job.After)
        {
            if (session.Read("SELECT seq, state FROM jobs WHERE id = $0", row => (Seq: row.GetInt64(0), State: (JobState)row.GetInt32(1)), on.ToString()) is not [var found])
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
    private static void End(SqliteSession session, long seq, JobState state, DateTimeOffset now, string reason)
    {
        session.Run("UPDATE jobs SET state = $1, error = $2, ended_ms = $3, worker = NULL, lease_ms = NULL, cancel = $1 = 4, change = $4, keep_ms = CASE $1 WHEN 4 THEN $3 + retention_ms END WHERE seq = $0",
            seq, (int)state, reason, Ms(now), session.Next(Change));
        if (!TryCompensate(session, seq, state, now))
            Release(session, seq, state, now);
    }

    /// <summary>Where a job that has just ended has something to undo, it has not ended: it is handed out again, to be compensated.</summary>
    private static bool TryCompensate(SqliteSession session, long seq, JobState state, DateTimeOffset now) => session.Run("""
        UPDATE jobs SET state = 0, undo = $1, counted = 0, lost = 0, cancel = 0, due_ms = $2, ended_ms = NULL, keep_ms = NULL, deadline_ms = NULL
        WHERE seq = $0 AND undo IS NULL AND EXISTS (SELECT 1 FROM steps WHERE job = $0 AND steps.undo = 1)
        """, seq, (int)state, Ms(now)) > 0;

    /// <summary>Tells those who wait for a job that it has ended: they are ready, or cancelled, and then tell those who wait for them.</summary>
    private static void Release(SqliteSession session, long seq, JobState state, DateTimeOffset now)
    {
        var ended = new Queue<(long Seq, JobState State)>([(seq, state)]);
        while (ended.TryDequeue(out var job))
        {
            var waiters = session.Read("SELECT job, rule FROM waits WHERE on_job = $0", row => (Seq: row.GetInt64(0), Rule: (JobAfterRule)row.GetInt32(1)), job.Seq);
            if (waiters.Count == 0)
                continue;
            session.Run("DELETE FROM waits WHERE on_job = $0", job.Seq);
            foreach (var waiter in waiters)
            {
                if (job.State == JobState.Completed || waiter.Rule == JobAfterRule.AllEnded)
                {
                    session.Run("UPDATE jobs SET waiting = waiting - 1, change = $1 WHERE seq = $0", waiter.Seq, session.Next(Change));
                }
                else if (session.Run("""
                    UPDATE jobs SET state = 4, waiting = waiting - 1, cancel = 1, change = $2, ended_ms = $1, keep_ms = $1 + retention_ms,
                    error = 'Job ' || (SELECT id FROM jobs WHERE seq = $3) || ', which it waited for, did not complete.' WHERE seq = $0 AND state = 0
                    """, waiter.Seq, Ms(now), session.Next(Change), job.Seq) > 0)
                {
                    ended.Enqueue((waiter.Seq, JobState.Cancelled));
                }
                else
                {
                    // It has ended in another way; when it is run again it no longer waits for this one.
                    session.Run("UPDATE jobs SET waiting = waiting - 1 WHERE seq = $0", waiter.Seq);
                }
            }
        }
    }
}
