using Hypervisor.Sdk.Jobs.Stores;
using Npgsql;

namespace Hypervisor.Sdk.Jobs.PostgreSql;

/// <summary>The statements that make and end many jobs at a time.</summary>
internal static class PlainStatements
{
    /// <summary>Makes jobs.</summary>
    public static NpgsqlBatchCommand Make(IReadOnlyList<NewJob> jobs, string sender) => Command("SELECT hvsdk_jobs.make($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)",
        Texts(jobs, job => job.Id.ToString()), Texts(jobs, job => job.Type), Texts(jobs, job => job.Args), jobs.Select(job => job.Priority).ToArray(), jobs.Select(job => job.OrderMs).ToArray(),
        jobs.Select(job => PostgreSqlJobStore.Ms(job.DueAt)).ToArray(), jobs.Select(job => PostgreSqlJobStore.Ms(job.CreatedAt)).ToArray(), jobs.Select(job => job.MaxAttempts).ToArray(),
        jobs.Select(job => (long)job.Retention.TotalMilliseconds).ToArray(), Texts(jobs, job => LaneText.Write(job.Lanes)),
        jobs.Select(job => job.DeadlineAt is { } deadline ? PostgreSqlJobStore.Ms(deadline) : (long?)null).ToArray(), jobs.Select(job => job.MaxLostWorkers).ToArray(),
        jobs.Select(job => job.ArgsVersion).ToArray(), Texts(jobs, job => job.TraceParent), Texts(jobs, job => job.Rate?.Key), jobs.Select(job => job.Rate?.Limit).ToArray(),
        jobs.Select(job => (long?)job.Rate?.Period.TotalMilliseconds).ToArray(), sender);

    /// <summary>Ends attempts COMPLETED, where nobody waits for their jobs; answers with the places of those that it ended, from 1.</summary>
    public static NpgsqlBatchCommand Finish(IReadOnlyList<(long Seq, EndedAttempt Attempt)> ends, string sender) => Command("SELECT * FROM hvsdk_jobs.finish($1, $2, $3, $4, $5)",
        ends.Select(end => end.Seq).ToArray(), ends.Select(end => end.Attempt.FencingToken).ToArray(), ends.Select(end => PostgreSqlJobStore.Ms(end.Attempt.Now)).ToArray(), Texts(ends, end => end.Attempt.Result), sender);

    /// <summary>Takes jobs that have neither lanes nor a rate; <see cref="PostgreSqlFunctions"/> says which.</summary>
    public static NpgsqlBatchCommand Take(ClaimRequest request, string sender) => Command("SELECT * FROM hvsdk_jobs.hand_out($1, $2, $3, $4, $5, $6, $7)",
        PostgreSqlJobStore.Ms(request.Now), PostgreSqlJobStore.Ms(request.LeaseUntil), request.Worker, request.Types.Keys.ToArray(), request.Types.Values.ToArray(), request.Limit, sender);

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
