using Hypervisor.Sdk.Jobs.Stores;

namespace Hypervisor.Sdk.Jobs.Sqlite;

internal sealed partial class SqliteJobStore
{
    public Task<bool> PutScheduleAsync(StoredSchedule schedule, CancellationToken cancellationToken) => _writer.WriteAsync(session =>
    {
        // The place of the change is nobody's: it only wakes the workers of other processes.
        session.Next(Change);
        var one = schedule.Schedule;
        return session.Run("INSERT OR REPLACE INTO schedules VALUES ($0, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)", one.Name, one.Cron, one.Zone, (int)one.CatchUp, one.AllowsOverlap ? 1 : 0,
            (long)one.Jitter.TotalMilliseconds, one.NextAt is { } next ? Ms(next) : null, schedule.Type, schedule.Args, schedule.ArgsVersion,
            one.Rate?.Key, one.Rate?.Limit, (long?)one.Rate?.Period.TotalMilliseconds) > 0;
    }, cancellationToken);

    public Task<bool> RemoveScheduleAsync(string name, CancellationToken cancellationToken) =>
        _writer.WriteAsync(session => session.Run("DELETE FROM schedules WHERE name = $0", name) > 0, cancellationToken);

    public Task<IReadOnlyList<StoredSchedule>> ListSchedulesAsync(DateTimeOffset? dueAt, CancellationToken cancellationToken) => ReadAsync<IReadOnlyList<StoredSchedule>>(session =>
        session.Read("SELECT name, cron, zone, catch_up, overlap, jitter_ms, next_ms, type, args, args_version, rate_key, rate_limit, rate_ms FROM schedules WHERE $0 IS NULL OR next_ms <= $0 ORDER BY name", row => new StoredSchedule
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
        }, dueAt is { } due ? Ms(due) : null), cancellationToken);

    public Task<bool> FireAsync(string name, DateTimeOffset expected, DateTimeOffset? next, IReadOnlyList<NewJob> jobs) => _writer.WriteAsync(session =>
    {
        if (session.Run("UPDATE schedules SET next_ms = $2 WHERE name = $0 AND next_ms = $1", name, Ms(expected), next is { } later ? Ms(later) : null) == 0)
            return false;
        foreach (var job in jobs)
            Enqueue(session, job);
        return true;
    });
}
