using Hypervisor.Sdk.Jobs.Stores;
using Microsoft.Extensions.Logging;

namespace Hypervisor.Sdk.Jobs.Running;

internal sealed partial class JobClient
{
    private const int MaxCaughtUp = 1000;
    private static readonly TimeSpan OnTime = TimeSpan.FromMinutes(1);

    // Of the worker's loop only.
    private readonly HashSet<string> _toldZones = new(StringComparer.Ordinal);
    private readonly HashSet<string> _toldLanes = new(StringComparer.Ordinal);

    public async Task ScheduleAsync<TArgs>(JobSchedule schedule, TArgs args, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(schedule);
        if (schedule.Name.Length is < 1 or > 128)
            throw new ArgumentException($"The name of a schedule has 1 to 128 characters; this one has {schedule.Name.Length}.", nameof(schedule));
        if (schedule.Jitter < TimeSpan.Zero || schedule.Jitter > TimeSpan.FromHours(1))
            throw new ArgumentException($"The jitter is {schedule.Jitter}; it is zero to 1 h.", nameof(schedule));
        if (!TimeZoneInfo.TryFindSystemTimeZoneById(schedule.Zone, out var zone))
            throw new ArgumentException($"There is no time zone '{schedule.Zone}' here: a zone is named as in the IANA database, Europe/Berlin.", nameof(schedule));
        var made = await NewAsync(args, new JobOptions { Rate = schedule.Rate }, cancellationToken: cancellationToken).ConfigureAwait(false);
        await store.PutScheduleAsync(new StoredSchedule { Schedule = Moved(schedule, CronExpression.Parse(schedule.Cron).Next(Now, zone)), Type = made.Type, Args = made.Args, ArgsVersion = made.ArgsVersion }, cancellationToken)
            .ConfigureAwait(false);
        signals.PulseWork();
    }

    public Task<bool> UnscheduleAsync(string name, CancellationToken cancellationToken = default) => store.RemoveScheduleAsync(name, cancellationToken);

    public async Task<IReadOnlyList<JobSchedule>> ListSchedulesAsync(CancellationToken cancellationToken = default) =>
        [.. (await store.ListSchedulesAsync(null, cancellationToken).ConfigureAwait(false)).Select(stored => stored.Schedule)];

    /// <summary>Makes the jobs of schedules that are due and of a type that is known here.</summary>
    public async Task FireSchedulesAsync(DateTimeOffset now)
    {
        foreach (var stored in await store.ListSchedulesAsync(now, CancellationToken.None).ConfigureAwait(false))
        {
            if (!_byType.TryGetValue(stored.Type, out var registration) || stored.ArgsVersion > registration.Options.ArgsVersion)
                continue;
            if (!TimeZoneInfo.TryFindSystemTimeZoneById(stored.Schedule.Zone, out var zone))
            {
                if (_toldZones.Add(stored.Schedule.Name))
                    logger.LogError("The schedule '{Schedule}' is due and is not fired by this process, as there is no time zone '{Zone}' here: install the zone data (tzdata).", stored.Schedule.Name, stored.Schedule.Zone);
                continue;
            }

            var cron = CronExpression.Parse(stored.Schedule.Cron);
            var times = new List<DateTimeOffset>();
            var next = stored.Schedule.NextAt;
            for (; next <= now; next = cron.Next(next.Value, zone))
            {
                times.Add(next.Value);
                // Of very many only the last are made up for.
                if (times.Count > MaxCaughtUp)
                    times.RemoveAt(0);
            }

            if (stored.Schedule.CatchUp == CronCatchUp.None)
                times.RemoveAll(time => time < now - OnTime);
            if (stored.Schedule.CatchUp != CronCatchUp.All && times.Count > 1)
                times.RemoveRange(0, times.Count - 1);
            if (await LanesOfAsync(stored, registration).ConfigureAwait(false) is not { } lanes)
                continue;
            if (await store.FireAsync(stored.Schedule.Name, stored.Schedule.NextAt!.Value, next, [.. times.Select(time => Fired(stored, registration, lanes, time))]).ConfigureAwait(false))
                signals.PulseWork();
        }
    }

    // Within the worker's loop, which has leases to renew: a backend that does not answer in time makes the schedule wait, and no more.
    private async Task<IReadOnlyList<LaneClaim>?> LanesOfAsync(StoredSchedule stored, JobRegistration registration)
    {
        using var patience = new CancellationTokenSource(options.Lease / 6, options.TimeProvider);
        try
        {
            var lanes = await WorkLanes.AskAsync([], registration.GetWork(stored.Args, stored.ArgsVersion), patience.Token).AsTask().WaitAsync(patience.Token).ConfigureAwait(false);
            _toldLanes.Remove(stored.Schedule.Name);
            return lanes;
        }
        catch (Exception exception) when (exception is HypervisorException or JobArgumentsException or OperationCanceledException)
        {
            if (_toldLanes.Add(stored.Schedule.Name))
                logger.LogWarning(exception, "The schedule '{Schedule}' is due and is not fired yet: its backend does not say which lanes its job needs. It is tried again.", stored.Schedule.Name);
            return null;
        }
    }

    private NewJob Fired(StoredSchedule stored, JobRegistration registration, IReadOnlyList<LaneClaim> lanes, DateTimeOffset time)
    {
        var schedule = stored.Schedule;
        string key = $"cron:{schedule.Name}";
        return new NewJob
        {
            Id = JobId.New(options.TimeProvider),
            Type = stored.Type,
            Args = stored.Args,
            ArgsVersion = stored.ArgsVersion,
            CreatedAt = Now,
            DueAt = time + (schedule.Jitter * options.Random.NextDouble()),
            MaxAttempts = registration.Options.MaxAttempts,
            MaxLostWorkers = registration.Options.MaxLostWorkers,
            Retention = registration.Options.Retention,
            Rate = schedule.Rate,
            UniqueKey = schedule.AllowsOverlap ? null : schedule.CatchUp == CronCatchUp.All ? $"{key}:{time.UtcTicks}" : key,
            Lanes = schedule.AllowsOverlap || schedule.CatchUp != CronCatchUp.All ? Ordered(lanes) : Ordered([.. lanes, new LaneClaim { Key = LaneKey.Parse("cron:" + Convert.ToHexString(System.Text.Encoding.UTF8.GetBytes(schedule.Name))), Mode = LaneMode.Exclusive }]),
        };
    }

    private static JobSchedule Moved(JobSchedule schedule, DateTimeOffset? next) => new()
    {
        Name = schedule.Name, Cron = schedule.Cron, Zone = schedule.Zone, CatchUp = schedule.CatchUp, AllowsOverlap = schedule.AllowsOverlap, Jitter = schedule.Jitter,
        Rate = schedule.Rate, NextAt = next,
    };
}
