using Hypervisor.Sdk.Jobs.Stores;
using Npgsql;

namespace Hypervisor.Sdk.Jobs.PostgreSql;

internal sealed partial class PostgreSqlJobStore
{
    // Candidates are read in pages: where lanes are closed, many may have to be looked at.
    private const int PageRows = 256;
    private const string LanesHeld = "SELECT lanes FROM hvsdk_jobs.jobs WHERE state = 1 AND lanes IS NOT NULL";

    private sealed record Candidate(long Seq, JobId Id, string Type, string Args, int Attempts, int Counted, int MaxAttempts, DateTimeOffset? Deadline, JobState? Undo, string? Lanes, long Order,
        int ArgsVersion, DateTimeOffset Due, string? Trace, JobRate? Rate);

    public Task<ClaimedJobs> ClaimAsync(ClaimRequest request, CancellationToken cancellationToken) => _writer.WriteAsync(async session =>
    {
        int lost = await RecoverAsync(session, request.Now).ConfigureAwait(false);
        var rates = new RateBoard(request.Now);
        var chosen = request.Limit > 0 ? await ChooseAsync(session, request, rates).ConfigureAwait(false) : [];
        var taken = chosen.Count > 0 ? await TakeAsync(session, chosen, request).ConfigureAwait(false) : [];
        // A schedule of a type that is not known here is another worker's: it wakes nobody here.
        var due = (await session.ReadAsync("""
                SELECT least((SELECT min(due_ms) FROM hvsdk_jobs.jobs WHERE state = 0 AND due_ms > $1), (SELECT min(lease_ms) FROM hvsdk_jobs.jobs WHERE state = 1),
                    (SELECT min(deadline_ms) FROM hvsdk_jobs.jobs WHERE state = 0 AND deadline_ms IS NOT NULL), (SELECT min(next_ms) FROM hvsdk_jobs.schedules JOIN unnest($2::text[], $3::int[]) AS known (name, version) ON type = known.name AND args_version <= known.version))
                """, row => Time(row, 0), Ms(request.Now), request.Types.Keys.ToArray(), request.Types.Values.ToArray()).ConfigureAwait(false))[0];
        return new ClaimedJobs { Jobs = taken, LeasesLost = lost, NextAt = rates.NextAt < due ? rates.NextAt : due ?? rates.NextAt };
    }, cancellationToken);

    private static async Task<int> RecoverAsync(PostgreSqlSession session, DateTimeOffset now)
    {
        var lost = await session.ReadAsync("SELECT seq, cancel, counted >= max_attempts, lost + 1 >= max_lost, lost + 1 FROM hvsdk_jobs.jobs WHERE state = 1 AND lease_ms <= $1 ORDER BY lease_ms, seq FOR UPDATE",
            row => (Seq: row.GetInt64(0), IsCancel: row.GetBoolean(1), IsLast: row.GetBoolean(2), IsPoison: row.GetBoolean(3), Lost: row.GetInt32(4)), Ms(now)).ConfigureAwait(false);
        foreach (var job in lost)
        {
            const string Reason = "Its worker did not renew the lease.";
            await session.RunAsync("UPDATE hvsdk_jobs.attempts SET ended_ms = $2, how = 4, reason = $3 WHERE job = $1 AND ended_ms IS NULL", job.Seq, Ms(now), Reason).ConfigureAwait(false);
            if (job.IsCancel)
                await EndAsync(session, job.Seq, JobState.Cancelled, now, "It was cancelled; " + Reason).ConfigureAwait(false);
            else if (job.IsPoison)
                await EndAsync(session, job.Seq, JobState.Failed, now, $"{Reason} That was time {job.Lost} in a row: it may be what brings its workers down, and is not tried again by itself.").ConfigureAwait(false);
            else if (job.IsLast)
                await EndAsync(session, job.Seq, JobState.Failed, now, Reason + " No attempt is left.").ConfigureAwait(false);
            else
                await session.RunAsync("UPDATE hvsdk_jobs.jobs SET state = 0, worker = NULL, lease_ms = NULL, error = $2, lost = lost + 1, change = $3 WHERE seq = $1", job.Seq, Reason, session.NextChange()).ConfigureAwait(false);
        }

        foreach (long seq in await session.ReadAsync("SELECT seq FROM hvsdk_jobs.jobs WHERE state = 0 AND deadline_ms <= $1 ORDER BY deadline_ms, seq", row => row.GetInt64(0), Ms(now)).ConfigureAwait(false))
            await EndAsync(session, seq, JobState.Failed, now, "Its deadline passed before it was done.").ConfigureAwait(false);
        return lost.Count;
    }

    private static async Task<List<Candidate>> ChooseAsync(PostgreSqlSession session, ClaimRequest request, RateBoard rates)
    {
        var taken = new List<Candidate>();
        var paused = await session.ReadAsync("SELECT type FROM hvsdk_jobs.paused", row => row.GetString(0)).ConfigureAwait(false);
        KeyValuePair<string, int>[] types = paused.Contains("") ? [] : [.. request.Types.Where(type => !paused.Contains(type.Key))];
        if (types.Length == 0)
            return taken;
        var board = await BoardAsync(session).ConfigureAwait(false);
        var (order, seq) = (long.MinValue, long.MinValue);
        while (true)
        {
            // Without lanes as many are enough as there are places.
            var page = await session.ReadAsync("""
                SELECT seq, id, type, args, attempts, counted, max_attempts, deadline_ms, undo, lanes, order_ms,
                    args_version, due_ms, trace, rate_key, rate_limit, rate_ms FROM hvsdk_jobs.jobs
                WHERE state = 0 AND waiting = 0 AND due_ms <= $1 AND (order_ms, seq) > ($4, $5)
                    AND EXISTS (SELECT 1 FROM unnest($2::text[], $3::int[]) AS known (name, version) WHERE type = known.name AND args_version <= known.version) ORDER BY order_ms, seq LIMIT $6
                """, Read, Ms(request.Now), types.Select(type => type.Key).ToArray(), types.Select(type => type.Value).ToArray(), order, seq, PageRows).ConfigureAwait(false);
            await LoadAsync(session, rates, page).ConfigureAwait(false);
            foreach (var job in page)
            {
                // Who has to wait for his rate closes no lane.
                if (job.Rate is not null && rates.OpensAt(job.Rate) is not null)
                    continue;
                if (job.Lanes is null || board.TryTake(LaneText.Read(job.Lanes)))
                {
                    taken.Add(job);
                    if (job.Rate is not null)
                        rates.Take(job.Rate);
                }

                if (taken.Count == request.Limit)
                    return taken;
            }

            if (page.Count < PageRows)
                return taken;
            (order, seq) = (page[^1].Order, page[^1].Seq);
        }
    }

    private static async Task LoadAsync(PostgreSqlSession session, RateBoard rates, IEnumerable<Candidate> jobs)
    {
        string[] keys = [.. jobs.Where(job => job.Rate is not null).Select(job => job.Rate!.Key).Distinct().Where(key => !rates.Knows(key))];
        if (keys.Length == 0)
            return;
        // One parameter that is an array: without the cast its texts would be parameters each.
        var starts = (await session.ReadAsync("SELECT key, at_ms FROM hvsdk_jobs.starts WHERE key = ANY ($1)", row => (Key: row.GetString(0), At: Time(row, 1)!.Value), (object)keys).ConfigureAwait(false))
            .ToLookup(start => start.Key, start => start.At);
        foreach (string key in keys)
            rates.Load(key, starts[key]);
    }

    private static JobRate? Rate(NpgsqlDataReader row, int column) => row.IsDBNull(column) ? null
        : new JobRate { Key = row.GetString(column), Limit = row.GetInt32(column + 1), Period = TimeSpan.FromMilliseconds(row.GetInt64(column + 2)) };

    private static async Task<LaneBoard> BoardAsync(PostgreSqlSession session)
    {
        var board = new LaneBoard();
        foreach (string lanes in await session.ReadAsync(LanesHeld, row => row.GetString(0)).ConfigureAwait(false))
        {
            foreach (var lane in LaneText.Read(lanes))
                board.Hold(lane);
        }

        return board;
    }

    private static Candidate Read(NpgsqlDataReader row) => new(row.GetInt64(0), JobId.Parse(row.GetString(1)), row.GetString(2), row.GetString(3), row.GetInt32(4), row.GetInt32(5), row.GetInt32(6),
        Time(row, 7), row.IsDBNull(8) ? null : (JobState)row.GetInt32(8), Text(row, 9), row.GetInt64(10), row.GetInt32(11), Time(row, 12)!.Value,
        Text(row, 13), Rate(row, 14));

    // All that were chosen by one statement, and what their earlier attempts left by another.
    private static async Task<IReadOnlyList<ClaimedJob>> TakeAsync(PostgreSqlSession session, List<Candidate> chosen, ClaimRequest request)
    {
        long[] jobs = [.. chosen.Select(job => job.Seq)];
        long[] tokens = [.. chosen.Select(_ => session.NextToken())];
        long[] changes = [.. chosen.Select(_ => session.NextChange())];
        await session.RunAsync("""
            WITH taken AS (
                UPDATE hvsdk_jobs.jobs SET state = 1, token = mine.token, worker = $4, lease_ms = $5, attempts = attempts + 1, counted = counted + 1, change = mine.change
                FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS mine (job, token, change) WHERE seq = mine.job RETURNING seq, attempts, jobs.token)
            INSERT INTO hvsdk_jobs.attempts (job, number, worker, token, started_ms) SELECT seq, attempts, $4, token, $6 FROM taken
            """, jobs, tokens, changes, request.Worker, Ms(request.LeaseUntil), Ms(request.Now)).ConfigureAwait(false);
        if (chosen.Exists(job => job.Rate is not null))
        {
            JobRate[] begun = [.. chosen.Where(job => job.Rate is not null).Select(job => job.Rate!)];
            await session.RunAsync("INSERT INTO hvsdk_jobs.starts SELECT key, $2, until FROM unnest($1::text[], $3::bigint[]) AS begun (key, until)",
                begun.Select(rate => rate.Key).ToArray(), Ms(request.Now), begun.Select(rate => Ms(request.Now + rate.Period)).ToArray()).ConfigureAwait(false);
        }

        long[] again = [.. chosen.Where(job => job.Attempts > 0).Select(job => job.Seq)];
        var steps = again.Length == 0 ? [] : await session.ReadAsync("SELECT job, name, request, result, undo FROM hvsdk_jobs.steps WHERE job = ANY ($1) ORDER BY name", row =>
            (Job: row.GetInt64(0), Step: new StoredStep { Name = row.GetString(1), Request = RequestId.Parse(row.GetString(2)), Result = Text(row, 3), HasCompensation = row.GetBoolean(4) }), again).ConfigureAwait(false);
        var stepsOf = steps.ToLookup(step => step.Job, step => step.Step);
        return [.. chosen.Select((job, i) => new ClaimedJob
        {
            Id = job.Id, Type = job.Type, Args = job.Args, Attempt = job.Attempts + 1, CountedAttempts = job.Counted + 1, MaxAttempts = job.MaxAttempts, FencingToken = tokens[i],
            Steps = [.. stepsOf[job.Seq]], DeadlineAt = job.Deadline, CompensatesTo = job.Undo, ArgsVersion = job.ArgsVersion, DueAt = job.Due, TraceParent = job.Trace,
        })];
    }
}
