using Hypervisor.Sdk.Jobs.Stores;
using Npgsql;

namespace Hypervisor.Sdk.Jobs.PostgreSql;

/// <summary>The statements that make and end many jobs at a time.</summary>
internal static class PlainStatements
{
    /// <summary>Takes the turn, and as many places as there are changes.</summary>
    public static NpgsqlBatchCommand Turn(int changes) => Command("UPDATE hvsdk_jobs.counters SET change = change + $1", changes);

    public static NpgsqlBatchCommand Notify(string sender) => Command($"SELECT pg_notify('{PostgreSqlJobStore.Channel}', $1)::text", sender);

    /// <summary>Makes jobs at the first of the places taken; <paramref name="placesAfter"/> others are behind them.</summary>
    public static NpgsqlBatchCommand Make(IReadOnlyList<NewJob> jobs, int placesAfter) => Command("""
        INSERT INTO hvsdk_jobs.jobs (seq, change, id, type, args, priority, order_ms, due_ms, created_ms, max_attempts, retention_ms, lanes, deadline_ms, max_lost, args_version, trace, rate_key, rate_limit,
            rate_ms)
        SELECT change - $18 - $19 + n, change - $18 - $19 + n, id, type, args, priority, order_ms, due_ms, created_ms, max_attempts, retention_ms, lanes, deadline_ms, max_lost, args_version, trace,
            rate_key, rate_limit, rate_ms
        FROM hvsdk_jobs.counters, unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::bigint[], $6::bigint[], $7::bigint[], $8::int[], $9::bigint[], $10::text[], $11::bigint[], $12::int[],
            $13::int[], $14::text[], $15::text[], $16::int[], $17::bigint[])
            WITH ORDINALITY AS made (id, type, args, priority, order_ms, due_ms, created_ms, max_attempts, retention_ms, lanes, deadline_ms, max_lost, args_version, trace, rate_key, rate_limit, rate_ms, n)
        """,
        Texts(jobs, job => job.Id.ToString()), Texts(jobs, job => job.Type), Texts(jobs, job => job.Args), jobs.Select(job => job.Priority).ToArray(), jobs.Select(job => job.OrderMs).ToArray(),
        jobs.Select(job => PostgreSqlJobStore.Ms(job.DueAt)).ToArray(), jobs.Select(job => PostgreSqlJobStore.Ms(job.CreatedAt)).ToArray(), jobs.Select(job => job.MaxAttempts).ToArray(),
        jobs.Select(job => (long)job.Retention.TotalMilliseconds).ToArray(), Texts(jobs, job => LaneText.Write(job.Lanes)),
        jobs.Select(job => job.DeadlineAt is { } deadline ? PostgreSqlJobStore.Ms(deadline) : (long?)null).ToArray(), jobs.Select(job => job.MaxLostWorkers).ToArray(),
        jobs.Select(job => job.ArgsVersion).ToArray(), Texts(jobs, job => job.TraceParent), Texts(jobs, job => job.Rate?.Key), jobs.Select(job => job.Rate?.Limit).ToArray(),
        jobs.Select(job => (long?)job.Rate?.Period.TotalMilliseconds).ToArray(), (long)jobs.Count, (long)placesAfter);

    /// <summary>Ends attempts COMPLETED at the last of the places taken, where nobody waits for their jobs; answers with the ids of those that it ended.</summary>
    public static NpgsqlBatchCommand Complete(IReadOnlyList<EndedAttempt> ends) => Command("""
        WITH done AS (
            UPDATE hvsdk_jobs.jobs SET state = 2, worker = NULL, lease_ms = NULL, ended_ms = said.now, result = said.result, lost = 0, keep_ms = said.now + retention_ms, undone = false,
                change = counters.change - $5 + n
            FROM hvsdk_jobs.counters, unnest($1::text[], $2::bigint[], $3::bigint[], $4::text[]) WITH ORDINALITY AS said (id, token, now, result, n)
            WHERE jobs.id = said.id AND state = 1 AND jobs.token = said.token AND lease_ms > said.now AND NOT EXISTS (SELECT 1 FROM hvsdk_jobs.waits WHERE on_job = seq)
            RETURNING jobs.id, seq, said.now),
        closed AS (UPDATE hvsdk_jobs.attempts SET ended_ms = now, how = 0 FROM done WHERE job = seq AND attempts.ended_ms IS NULL)
        SELECT id FROM done
        """,
        Texts(ends, end => end.Id.ToString()), ends.Select(end => end.FencingToken).ToArray(), ends.Select(end => PostgreSqlJobStore.Ms(end.Now)).ToArray(), Texts(ends, end => end.Result), (long)ends.Count);

    private static string?[] Texts<T>(IReadOnlyList<T> items, Func<T, string?> text) => [.. items.Select(item => text(item) is { } found ? PostgreSqlSession.Clean(found) : null)];

    private static NpgsqlBatchCommand Command(string sql, params object?[] values)
    {
#pragma warning disable CA2100 // Every statement is a constant of this package; what varies is a parameter.
        var command = new NpgsqlBatchCommand(sql);
#pragma warning restore CA2100
        foreach (object? value in values)
            command.Parameters.Add(PostgreSqlSession.Parameter(value));
        return command;
    }
}
