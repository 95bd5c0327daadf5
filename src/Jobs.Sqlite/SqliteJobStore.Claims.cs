using Hypervisor.Sdk.Jobs.Stores;

namespace Hypervisor.Sdk.Jobs.Sqlite;

internal sealed partial class SqliteJobStore
{
    private const string LanesOfJob = "SELECT key, exclusive, weight, capacity FROM lanes WHERE job = $0";
    private const string LanesHeld = "SELECT key, exclusive, weight, capacity FROM lanes WHERE job IN (SELECT seq FROM jobs WHERE state = 1 AND lane_count > 0)";

    private sealed record Candidate(long Seq, JobId Id, string Type, string Args, int Attempts, int Counted, int MaxAttempts, DateTimeOffset? Deadline, JobState? Undo, int ArgsVersion,
        DateTimeOffset Due, string? Trace, JobRate? Rate);

    public async Task<ClaimedJobs> ClaimAsync(ClaimRequest asked, CancellationToken cancellationToken) => await _writer.WriteAsync(session =>
    {
        var request = asked.Settle();
        int lost = Recover(session, request.Now);
        var rates = new RateBoard(request.Now);
        var claimed = new List<ClaimedJob>();
        if (request.Limit > 0)
        {
            foreach (var job in Choose(session, request, rates))
                claimed.Add(Take(session, job, request));
        }

        return new ClaimedJobs { Jobs = claimed, LeasesLost = lost, NextAt = NextAt(session, request, rates) };
    }, cancellationToken).ConfigureAwait(false);

    private static DateTimeOffset? NextAt(SqliteSession session, ClaimRequest request, RateBoard rates)
    {
        // A schedule of a type that is not known here is another worker's: it wakes nobody here.
        var schedules = session.Read("SELECT next_ms, type, args_version FROM schedules WHERE next_ms IS NOT NULL", row => (At: Time(row, 0), Type: row.GetString(1), Version: row.GetInt32(2)));
        var scheduled = schedules.Where(schedule => Knows(request, schedule.Type, schedule.Version)).Min(schedule => schedule.At);
        var due = session.Read("""
            SELECT min(at) FROM (SELECT min(due_ms) AS at FROM jobs WHERE state = 0 AND due_ms > $0 UNION ALL SELECT min(lease_ms) FROM jobs WHERE state = 1
            UNION ALL SELECT min(deadline_ms) FROM jobs WHERE state = 0 AND deadline_ms IS NOT NULL)
            """, row => Time(row, 0), Ms(request.Now))[0];
        return new[] { due, scheduled, rates.NextAt }.Min();
    }

    private static bool Knows(ClaimRequest request, string type, int version) => request.Types.TryGetValue(type, out int known) && version <= known;

    private static int Recover(SqliteSession session, DateTimeOffset now)
    {
        var lost = session.Read("SELECT seq, cancel, counted >= max_attempts, lost + 1 >= max_lost, lost + 1 FROM jobs WHERE state = 1 AND lease_ms <= $0",
            row => (Seq: row.GetInt64(0), IsCancel: row.GetBoolean(1), IsLast: row.GetBoolean(2), IsPoison: row.GetBoolean(3), Lost: row.GetInt32(4)), Ms(now));
        foreach (var job in lost)
        {
            const string Reason = "Its worker did not renew the lease.";
            session.Run("UPDATE attempts SET ended_ms = $1, end = 4, reason = $2 WHERE job = $0 AND ended_ms IS NULL", job.Seq, Ms(now), Reason);
            if (job.IsCancel)
                End(session, job.Seq, JobState.Cancelled, now, "It was cancelled; " + Reason);
            else if (job.IsPoison)
                End(session, job.Seq, JobState.Failed, now, $"{Reason} That was time {job.Lost} in a row: it may be what brings its workers down, and is not tried again by itself.");
            else if (job.IsLast)
                End(session, job.Seq, JobState.Failed, now, Reason + " No attempt is left.");
            else
                session.Run("UPDATE jobs SET state = 0, worker = NULL, lease_ms = NULL, error = $1, lost = lost + 1, change = $2 WHERE seq = $0", job.Seq, Reason, session.Next(Change));
        }

        foreach (long seq in session.Read("SELECT seq FROM jobs WHERE state = 0 AND deadline_ms <= $0", row => row.GetInt64(0), Ms(now)))
            End(session, seq, JobState.Failed, now, "Its deadline passed before it was done.");
        return lost.Count;
    }

    private static List<Candidate> Choose(SqliteSession session, ClaimRequest request, RateBoard rates)
    {
        var board = new LaneBoard();
        foreach (var held in session.Read(LanesHeld, Lane))
            board.Hold(held);

        var taken = new List<Candidate>();
        var paused = session.Read("SELECT type FROM paused", row => row.GetString(0));
        if (paused.Contains(""))
            return taken;
        session.ReadWhile("""
            SELECT seq, id, type, args, attempts, counted, max_attempts, lane_count, deadline_ms, undo, args_version, due_ms, trace, rate_key, rate_limit, rate_ms FROM jobs WHERE state = 0 AND waiting = 0 AND (due_ms <= $0 OR attempts = 0 AND due_ms <= created_ms) ORDER BY order_ms, seq
            """, row =>
        {
            string type = row.GetString(2);
            if (!Knows(request, type, row.GetInt32(10)) || paused.Contains(type))
                return true;
            long seq = row.GetInt64(0);
            // Who has to wait for his rate closes no lane.
            var rate = Rate(row, 13);
            if (rate is not null && OpensAt(session, rate, rates) is not null)
                return true;
            if (row.GetInt32(7) == 0 || board.TryTake(session.Read(LanesOfJob, Lane, seq)))
            {
                taken.Add(new Candidate(seq, JobId.Parse(row.GetString(1)), type, row.GetString(3), row.GetInt32(4), row.GetInt32(5), row.GetInt32(6), Time(row, 8), row.IsDBNull(9) ? null : (JobState)row.GetInt32(9),
                    row.GetInt32(10), Time(row, 11)!.Value, Text(row, 12), rate));
                if (rate is not null)
                    rates.Take(rate);
            }

            return taken.Count < request.Limit;
        }, Ms(request.Now));
        return taken;
    }

    private static JobRate? Rate(Microsoft.Data.Sqlite.SqliteDataReader row, int column) => row.IsDBNull(column) ? null
        : new JobRate { Key = row.GetString(column), Limit = row.GetInt32(column + 1), Period = TimeSpan.FromMilliseconds(row.GetInt64(column + 2)) };

    private static DateTimeOffset? OpensAt(SqliteSession session, JobRate rate, RateBoard rates)
    {
        if (!rates.Knows(rate.Key))
            rates.Load(rate.Key, session.Read("SELECT at_ms FROM starts WHERE key = $0", row => Time(row, 0)!.Value, rate.Key));
        return rates.OpensAt(rate);
    }

    private static ClaimedJob Take(SqliteSession session, Candidate job, ClaimRequest request)
    {
        long token = session.Next("token");
        session.Run("UPDATE jobs SET state = 1, token = $1, worker = $2, lease_ms = $3, attempts = attempts + 1, counted = counted + 1, change = $4 WHERE seq = $0",
            job.Seq, token, request.Worker, Ms(request.LeaseUntil), session.Next(Change));
        session.Run("INSERT INTO attempts (job, number, worker, token, started_ms) VALUES ($0, $1, $2, $3, $4)", job.Seq, job.Attempts + 1, request.Worker, token, Ms(request.Now));
        if (job.Rate is { } rate)
            session.Run("INSERT INTO starts VALUES ($0, $1, $2)", rate.Key, Ms(request.Now), Ms(request.Now + rate.Period));
        var steps = job.Attempts == 0 ? [] : session.Read("SELECT name, request, result, undo FROM steps WHERE job = $0",
            row => new StoredStep { Name = row.GetString(0), Request = RequestId.Parse(row.GetString(1)), Result = Text(row, 2), HasCompensation = row.GetBoolean(3) }, job.Seq);
        return new ClaimedJob
        {
            Id = job.Id, Type = job.Type, Args = job.Args, Attempt = job.Attempts + 1, CountedAttempts = job.Counted + 1, MaxAttempts = job.MaxAttempts, FencingToken = token, Steps = steps,
            DeadlineAt = job.Deadline, CompensatesTo = job.Undo, ArgsVersion = job.ArgsVersion, DueAt = job.Due, TraceParent = job.Trace,
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
