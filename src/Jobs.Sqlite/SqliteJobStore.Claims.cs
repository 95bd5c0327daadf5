using Hypervisor.Sdk.Jobs.Stores;

namespace Hypervisor.Sdk.Jobs.Sqlite;

internal sealed partial class SqliteJobStore
{
    private sealed record Candidate(long Seq, JobId Id, string Type, string Args, int Attempts, int Counted, int MaxAttempts);

    public async Task<IReadOnlyList<ClaimedJob>> ClaimAsync(ClaimRequest request, CancellationToken cancellationToken) => await _writer.WriteAsync(session =>
    {
        Recover(session, request.Now);
        if (request.Limit <= 0)
            return [];
        var taken = Choose(session, request);
        var claimed = new List<ClaimedJob>(taken.Count);
        foreach (var job in taken)
            claimed.Add(Take(session, job, request));
        return claimed;
    }, cancellationToken).ConfigureAwait(false);

    private static void Recover(SqliteSession session, DateTimeOffset now)
    {
        foreach (long seq in session.Read("SELECT seq FROM jobs WHERE state = 1 AND lease_ms <= $0", row => row.GetInt64(0), Ms(now)))
        {
            const string Reason = "Its worker did not renew the lease.";
            session.Run("UPDATE attempts SET ended_ms = $1, end = 4, reason = $2 WHERE job = $0 AND ended_ms IS NULL", seq, Ms(now), Reason);
            session.Run("""
                UPDATE jobs SET state = CASE WHEN cancel = 1 THEN 4 WHEN counted >= max_attempts THEN 3 ELSE 0 END, worker = NULL, lease_ms = NULL, error = $2,
                ended_ms = CASE WHEN cancel = 1 OR counted >= max_attempts THEN $1 END WHERE seq = $0
                """, seq, Ms(now), Reason);
        }
    }

    private static List<Candidate> Choose(SqliteSession session, ClaimRequest request)
    {
        var board = new LaneBoard();
        foreach (var held in session.Read("SELECT key, exclusive, weight, capacity FROM lanes WHERE job IN (SELECT seq FROM jobs WHERE state = 1)", Lane))
            board.Hold(held);

        var taken = new List<Candidate>();
        session.ReadWhile("""
            SELECT seq, id, type, args, attempts, counted, max_attempts FROM jobs WHERE state = 0 AND due_ms <= $0 ORDER BY order_ms, seq
            """, row =>
        {
            string type = row.GetString(2);
            if (!request.Types.Contains(type))
                return true;
            long seq = row.GetInt64(0);
            if (board.TryTake(session.Read("SELECT key, exclusive, weight, capacity FROM lanes WHERE job = $0", Lane, seq)))
                taken.Add(new Candidate(seq, JobId.Parse(row.GetString(1)), type, row.GetString(3), row.GetInt32(4), row.GetInt32(5), row.GetInt32(6)));
            return taken.Count < request.Limit;
        }, Ms(request.Now));
        return taken;
    }

    private static ClaimedJob Take(SqliteSession session, Candidate job, ClaimRequest request)
    {
        session.Run("UPDATE counters SET value = value + 1 WHERE name = 'token'");
        long token = session.Read("SELECT value FROM counters WHERE name = 'token'", row => row.GetInt64(0))[0];
        session.Run("UPDATE jobs SET state = 1, token = $1, worker = $2, lease_ms = $3, attempts = attempts + 1, counted = counted + 1 WHERE seq = $0",
            job.Seq, token, request.Worker, Ms(request.LeaseUntil));
        session.Run("INSERT INTO attempts (job, number, worker, token, started_ms) VALUES ($0, $1, $2, $3, $4)", job.Seq, job.Attempts + 1, request.Worker, token, Ms(request.Now));
        var steps = session.Read("SELECT name, request, result FROM steps WHERE job = $0",
            row => new StoredStep { Name = row.GetString(0), Request = RequestId.Parse(row.GetString(1)), Result = row.IsDBNull(2) ? null : row.GetString(2) }, job.Seq);
        return new ClaimedJob
        {
            Id = job.Id, Type = job.Type, Args = job.Args, Attempt = job.Attempts + 1, CountedAttempts = job.Counted + 1, MaxAttempts = job.MaxAttempts, FencingToken = token, Steps = steps,
        };
    }

    private static LaneClaim Lane(Microsoft.Data.Sqlite.SqliteDataReader row) => new()
    {
        Key = LaneKey.Parse(row.GetString(0)),
        Mode = row.GetInt64(1) != 0 ? LaneMode.Exclusive : LaneMode.Shared,
        Weight = row.GetInt32(2),
        Capacity = row.IsDBNull(3) ? null : row.GetInt32(3),
    };
}
