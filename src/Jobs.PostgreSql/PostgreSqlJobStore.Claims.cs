using Hypervisor.Sdk.Jobs.Stores;
using Npgsql;

namespace Hypervisor.Sdk.Jobs.PostgreSql;

internal sealed partial class PostgreSqlJobStore
{
    // Candidates are read in pages: where lanes are closed, many may have to be looked at.
    private const int PageRows = 256;
    private const string LanesHeld = "SELECT lanes FROM hvsdk_jobs.running WHERE lanes IS NOT NULL";

    private readonly record struct Candidate(long Seq, long Order, string? Lanes, JobRate? Rate);

    // What comes first and is bound to nothing is taken with the next group, in its one round trip. What is left is looked at one by one, which takes a transaction more.
    public async Task<ClaimedJobs> ClaimAsync(ClaimRequest request, CancellationToken cancellationToken)
    {
        if (request.Limit == 0)
            return await ClaimBoundAsync(request, 0, cancellationToken).ConfigureAwait(false);
        var first = await _writer.ClaimAsync(request, cancellationToken).ConfigureAwait(false);
        IReadOnlyList<ClaimedJob> jobs = [];
        try
        {
            try
            {
                jobs = await WithStepsAsync(first.Jobs).ConfigureAwait(false);
                Take(first.Jobs);
            }
            catch (HypervisorException)
            {
                // What is taken for the first time has none; the rest is left to its lease.
                List<TakenJob> fresh = [.. first.Jobs.Where(job => job.Attempts == 1)];
                jobs = [.. fresh.Select(job => job.ToClaimed([]))];
                Take(fresh);
                throw;
            }

            if (!first.HasMore)
                return new ClaimedJobs { Jobs = jobs, NextAt = first.NextMs is { } next ? DateTimeOffset.FromUnixTimeMilliseconds(next) : null };
            var bound = await ClaimBoundAsync(request, jobs.Count, CancellationToken.None).ConfigureAwait(false);
            return new ClaimedJobs { Jobs = [.. jobs, .. bound.Jobs], LeasesLost = bound.LeasesLost, NextAt = bound.NextAt };
        }
        catch (HypervisorException) when (jobs.Count > 0)
        {
            // What was taken is run; what was not is asked for again, and then says what is wrong.
            return new ClaimedJobs { Jobs = jobs, NextAt = request.Now };
        }
    }

    // Whose earlier attempt was taken here too has lost it.
    private void Take(IReadOnlyList<TakenJob> jobs)
    {
        HashSet<long> again = [.. jobs.Where(job => job.Attempts > 1).Select(job => job.Seq)];
        if (again.Count > 0)
        {
            foreach (var earlier in _taken.Where(taken => again.Contains(taken.Value)))
                _taken.TryRemove(earlier.Key, out _);
        }

        foreach (var job in jobs)
            _taken[job.Token] = job.Seq;
    }

    // The places of those who were just taken are not free, which their worker does not know yet.
    private async Task<ClaimedJobs> ClaimBoundAsync(ClaimRequest asked, int justTaken, CancellationToken cancellationToken)
    {
        var (claimed, taken) = await _writer.WriteAsync(async session =>
        {
            var request = asked.Settle();
            int limit = request.Limit - justTaken;
            int lost = await RecoverAsync(session, request.Now).ConfigureAwait(false);
            var rates = new RateBoard(request.Now);
            var chosen = limit > 0 ? await ChooseAsync(session, request, limit, rates).ConfigureAwait(false) : [];
            IReadOnlyList<TakenJob> taken = chosen.Count > 0 ? await TakeAsync(session, chosen, request).ConfigureAwait(false) : [];
            var jobs = await WithStepsAsync(session, taken).ConfigureAwait(false);
            var due = (await session.ReadAsync("SELECT hvsdk_jobs.next($1, $2, $3)", row => Time(row, 0), Ms(request.Now), request.Types.Keys.ToArray(), request.Types.Values.ToArray()).ConfigureAwait(false))[0];
            return (new ClaimedJobs { Jobs = jobs, LeasesLost = lost, NextAt = rates.NextAt < due ? rates.NextAt : due ?? rates.NextAt }, taken);
        }, cancellationToken).ConfigureAwait(false);
        // Committed: what was undone and is taken anew is not among them.
        Take(taken);
        return claimed;
    }

    // What earlier attempts left cannot change any more: the jobs are taken.
    private async Task<IReadOnlyList<ClaimedJob>> WithStepsAsync(IReadOnlyList<TakenJob> jobs) => jobs.Any(job => job.Attempts > 1)
        ? await UseAsync(session => WithStepsAsync(session, jobs)).ConfigureAwait(false)
        : [.. jobs.Select(job => job.ToClaimed([]))];

    private static async Task<IReadOnlyList<ClaimedJob>> WithStepsAsync(PostgreSqlSession session, IReadOnlyList<TakenJob> jobs)
    {
        long[] again = [.. jobs.Where(job => job.Attempts > 1).Select(job => job.Seq)];
        var steps = again.Length == 0 ? [] : await session.ReadAsync("SELECT job, name, request, result, undo FROM hvsdk_jobs.steps WHERE job = ANY ($1) ORDER BY name", row =>
            (Job: row.GetInt64(0), Step: new StoredStep { Name = row.GetString(1), Request = RequestId.Parse(row.GetString(2)), Result = Text(row, 3), HasCompensation = row.GetBoolean(4) }), again).ConfigureAwait(false);
        var stepsOf = steps.ToLookup(step => step.Job, step => step.Step);
        return [.. jobs.Select(job => job.ToClaimed(stepsOf[job.Seq]))];
    }

    /// <summary>The rows of <c>hvsdk_jobs.hand_out</c>, the last of which has no job.</summary>
    public static async Task<FirstClaim> ReadTakenAsync(NpgsqlDataReader row)
    {
        var jobs = new List<TakenJob>();
        while (await row.ReadAsync().ConfigureAwait(false) && !row.IsDBNull(1))
            jobs.Add(ReadJob(row));
        var first = new FirstClaim([.. jobs.OrderBy(job => job.Token)], row.IsDBNull(10) ? null : row.GetInt64(10), row.GetBoolean(0));
        await row.NextResultAsync().ConfigureAwait(false);
        return first;
    }

    private static TakenJob ReadJob(NpgsqlDataReader row) => new(row.GetInt64(13), row.GetInt64(12), JobId.Parse(row.GetString(1)), row.GetString(2), row.GetString(3), row.GetInt32(4), row.GetInt32(5), row.GetInt32(6),
        Time(row, 7), row.IsDBNull(8) ? null : (JobState)row.GetInt32(8), row.GetInt32(9), Time(row, 10)!.Value, Text(row, 11));

    private static async Task<int> RecoverAsync(PostgreSqlSession session, DateTimeOffset now)
    {
        var lost = await session.ReadAsync("SELECT seq, cancel, counted >= max_attempts, lost + 1 >= max_lost, lost + 1 FROM hvsdk_jobs.running JOIN hvsdk_jobs.jobs USING (seq) WHERE lease_ms + 0 BETWEEN (SELECT lease_ms FROM hvsdk_jobs.counters) AND $1 ORDER BY lease_ms, seq FOR UPDATE OF running",
            row => (Seq: row.GetInt64(0), IsCancel: row.GetBoolean(1), IsLast: row.GetBoolean(2), IsPoison: row.GetBoolean(3), Lost: row.GetInt32(4)), Ms(now)).ConfigureAwait(false);
        foreach (var job in lost)
        {
            const string Reason = "Its worker did not renew the lease.";
            await session.RunAsync("UPDATE hvsdk_jobs.running SET closed_ms = $2, how = 4, reason = $3 WHERE seq = $1", job.Seq, Ms(now), Reason).ConfigureAwait(false);
            if (job.IsCancel)
                await EndAsync(session, job.Seq, JobState.Cancelled, now, "It was cancelled; " + Reason).ConfigureAwait(false);
            else if (job.IsPoison)
                await EndAsync(session, job.Seq, JobState.Failed, now, $"{Reason} That was time {job.Lost} in a row: it may be what brings its workers down, and is not tried again by itself.").ConfigureAwait(false);
            else if (job.IsLast)
                await EndAsync(session, job.Seq, JobState.Failed, now, Reason + " No attempt is left.").ConfigureAwait(false);
            else
                await session.RunAsync("UPDATE hvsdk_jobs.states SET state = 0, lease_ms = NULL, error = $2, lost = lost + 1, change = $3 WHERE seq = $1", job.Seq, Reason, session.NextChange()).ConfigureAwait(false);
        }

        foreach (long seq in await session.ReadAsync("SELECT seq FROM hvsdk_jobs.pending WHERE deadline_ms <= $1 ORDER BY deadline_ms, seq", row => row.GetInt64(0), Ms(now)).ConfigureAwait(false))
            await EndAsync(session, seq, JobState.Failed, now, "Its deadline passed before it was done.").ConfigureAwait(false);
        return lost.Count;
    }

    private static async Task<List<Candidate>> ChooseAsync(PostgreSqlSession session, ClaimRequest request, int limit, RateBoard rates)
    {
        var taken = new List<Candidate>();
        var paused = await session.ReadAsync("SELECT type FROM hvsdk_jobs.paused", row => row.GetString(0)).ConfigureAwait(false);
        KeyValuePair<string, int>[] types = paused.Contains("") ? [] : [.. request.Types.Where(type => !paused.Contains(type.Key))];
        if (types.Length == 0)
            return taken;
        var board = await BoardAsync(session).ConfigureAwait(false);
        var (order, seq) = await session.ReadHeadAsync().ConfigureAwait(false);
        seq--;
        // What was refused once is refused to the end of this claim: whoever asks for the same lanes is not read.
        var closed = new HashSet<string>(StringComparer.Ordinal);
        while (true)
        {
            var page = await session.ReadAsync("""
                SELECT seq, order_ms, lanes, rate_key, rate_limit, rate_ms FROM hvsdk_jobs.pending
                WHERE waiting = 0 AND (due_ms <= $1 OR attempts = 0 AND due_ms <= created_ms) AND (order_ms, seq) > ($4, $5)
                    AND type = ANY ($2) AND args_version <= ($3::int[])[array_position($2, type)] AND (lanes IS NULL OR NOT lanes = ANY ($7)) ORDER BY order_ms, seq LIMIT $6
                """, Read, Ms(request.Now), types.Select(type => type.Key).ToArray(), types.Select(type => type.Value).ToArray(), order, seq, PageRows, closed.ToArray()).ConfigureAwait(false);
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
                else
                {
                    closed.Add(job.Lanes);
                }

                if (taken.Count == limit)
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

    private static Candidate Read(NpgsqlDataReader row) => new(row.GetInt64(0), row.GetInt64(1), Text(row, 2), Rate(row, 3));

    // All that were chosen by one statement.
    private static async Task<IReadOnlyList<TakenJob>> TakeAsync(PostgreSqlSession session, List<Candidate> chosen, ClaimRequest request)
    {
        var (place, mark) = session.NextTokens(chosen.Count);
        var taken = await session.ReadAsync("""
            SELECT * FROM hvsdk_jobs.start((SELECT array_agg((SELECT ctid FROM hvsdk_jobs.pending WHERE seq = mine.job) ORDER BY n) FROM unnest($1) WITH ORDINALITY AS mine (job, n)), true, $2, $3, $4, $5, $6)
            """, ReadJob, chosen.Select(candidate => candidate.Seq).ToArray(), Ms(request.Now), Ms(request.LeaseUntil), request.Worker, place, mark).ConfigureAwait(false);
        if (chosen.Exists(candidate => candidate.Rate is not null))
        {
            JobRate[] begun = [.. chosen.Where(candidate => candidate.Rate is not null).Select(candidate => candidate.Rate!)];
            await session.RunAsync("INSERT INTO hvsdk_jobs.starts SELECT key, $2, until FROM unnest($1::text[], $3::bigint[]) AS begun (key, until)",
                begun.Select(rate => rate.Key).ToArray(), Ms(request.Now), begun.Select(rate => Ms(request.Now + rate.Period)).ToArray()).ConfigureAwait(false);
        }

        return [.. taken.OrderBy(job => job.Token)];
    }
}
