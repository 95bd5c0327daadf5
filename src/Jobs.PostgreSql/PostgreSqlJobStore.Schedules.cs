using Hypervisor.Sdk.Jobs.Stores;

namespace Hypervisor.Sdk.Jobs.PostgreSql;

internal sealed partial class PostgreSqlJobStore
{
    public Task<bool> PutScheduleAsync(StoredSchedule schedule, CancellationToken cancellationToken) => _writer.WriteAsync(async session =>
    {
        // The place of the change is nobody's: it only wakes the workers of other processes.
        session.NextChange();
        var one = schedule.Schedule;
        return await session.RunAsync("""
            INSERT INTO hvsdk_jobs.schedules VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT (name) DO UPDATE SET cron = excluded.cron, zone = excluded.zone, catch_up = excluded.catch_up,
                overlap = excluded.overlap, jitter_ms = excluded.jitter_ms, next_ms = excluded.next_ms, type = excluded.type, args = excluded.args, args_version = excluded.args_version, rate_key = excluded.rate_key,
                rate_limit = excluded.rate_limit, rate_ms = excluded.rate_ms
            """, one.Name, one.Cron, one.Zone, (int)one.CatchUp, one.AllowsOverlap, (long)one.Jitter.TotalMilliseconds, one.NextAt is { } next ? Ms(next) : null, schedule.Type, schedule.Args, schedule.ArgsVersion,
            one.Rate?.Key, one.Rate?.Limit, (long?)one.Rate?.Period.TotalMilliseconds).ConfigureAwait(false) > 0;
    }, cancellationToken);

    public Task<bool> RemoveScheduleAsync(string name, CancellationToken cancellationToken) =>
        _writer.WriteAsync(async session => await session.RunAsync("DELETE FROM hvsdk_jobs.schedules WHERE name = $1", name).ConfigureAwait(false) > 0, cancellationToken);

    public Task<IReadOnlyList<StoredSchedule>> ListSchedulesAsync(DateTimeOffset? dueAt, CancellationToken cancellationToken) => UseAsync<IReadOnlyList<StoredSchedule>>(async session =>
        await session.ReadAsync("SELECT name, cron, zone, catch_up, overlap, jitter_ms, next_ms, type, args, args_version, rate_key, rate_limit, rate_ms FROM hvsdk_jobs.schedules WHERE $1::bigint IS NULL OR next_ms <= $1 ORDER BY name", row => new StoredSchedule
        {
            Schedule = new JobSchedule
            {
                Name = row.GetString(0),
                Cron = row.GetString(1),
                Zone = row.GetString(2),
                CatchUp = (CronCatchUp)row.GetInt32(3),
                AllowsOverlap = row.GetBoolean(4),
                Jitter = TimeSpan.FromMilliseconds(row.GetInt64(5)),
                Rate = row.IsDBNull(10) ? null : new JobRate { Key = row.GetString(10), Limit = row.GetInt32(11), Period = TimeSpan.FromMilliseconds(row.GetInt64(12)) },
                NextAt = Time(row, 6),
            },
            Type = row.GetString(7),
            Args = row.GetString(8),
            ArgsVersion = row.GetInt32(9),
        }, dueAt is { } due ? Ms(due) : null).ConfigureAwait(false), cancellationToken);

    public Task<bool> FireAsync(string name, DateTimeOffset expected, DateTimeOffset? next, IReadOnlyList<NewJob> jobs) => _writer.WriteAsync(async session =>
    {
        if (await session.RunAsync("UPDATE hvsdk_jobs.schedules SET next_ms = $3 WHERE name = $1 AND next_ms = $2", name, Ms(expected), next is { } later ? Ms(later) : null).ConfigureAwait(false) == 0)
            return false;
        foreach (var job in jobs)
            await EnqueueAsync(session, job).ConfigureAwait(false);
        return true;
    });
}
