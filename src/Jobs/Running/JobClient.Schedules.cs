using System.Security.Cryptography;
using System.Text;
using Hypervisor.Sdk.Jobs.Stores;
using Microsoft.Extensions.Logging;

namespace Hypervisor.Sdk.Jobs.Running;

internal sealed partial class JobClient
{
    private const int MaxCaughtUp = 1000;
    private static readonly TimeSpan OnTime = TimeSpan.FromMinutes(1);

    // Two clocks are read one after the other to see how far one went back.
    private static readonly TimeSpan s_slack = TimeSpan.FromSeconds(1);

    // How far back is looked for times that were missed, in turn.
    private static readonly TimeSpan[] s_backs = [TimeSpan.FromMinutes(1), TimeSpan.FromHours(1), TimeSpan.FromDays(1), TimeSpan.FromDays(31), TimeSpan.FromDays(366), TimeSpan.FromDays(366_000)];

    // Of the worker's loop only.
    private readonly HashSet<string> _toldZones = new(StringComparer.Ordinal);
    private readonly HashSet<string> _toldLanes = new(StringComparer.Ordinal);
    private readonly HashSet<string> _toldFailures = new(StringComparer.Ordinal);

    public async Task ScheduleAsync<TArgs>(JobSchedule schedule, TArgs args, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(schedule);
        if (schedule.Name is not { Length: >= 1 and <= 128 })
            throw new ArgumentException($"{nameof(schedule.Name)}, the name of a schedule, has 1 to 128 characters; this one has {schedule.Name?.Length ?? 0}.", nameof(schedule));
        if (schedule.Cron is null || schedule.Zone is null)
            throw new ArgumentException($"{(schedule.Cron is null ? nameof(schedule.Cron) : nameof(schedule.Zone))} of schedule '{schedule.Name}' is null.", nameof(schedule));
        if (schedule.Jitter < TimeSpan.Zero || schedule.Jitter > TimeSpan.FromHours(1))
            throw new ArgumentException($"The jitter is {schedule.Jitter}; it is zero to 1 h.", nameof(schedule));
        if (!TimeZoneInfo.TryFindSystemTimeZoneById(schedule.Zone, out var zone))
            throw new ArgumentException($"There is no time zone '{schedule.Zone}' here: a zone is named as in the IANA database, Europe/Berlin.", nameof(schedule));
        var made = await NewAsync(args, new JobOptions { Rate = schedule.Rate }, cancellationToken: cancellationToken).ConfigureAwait(false);
        // What is due at the same times keeps its next one: a process that schedules at its start makes up for what it missed.
        var there = (await store.ListSchedulesAsync(null, cancellationToken).ConfigureAwait(false)).FirstOrDefault(stored => stored.Schedule.Name == schedule.Name)?.Schedule;
        var next = there is not null && there.Cron == schedule.Cron && there.Zone == schedule.Zone ? there.NextAt : CronExpression.Parse(schedule.Cron).Next(Now, zone);
        await store.PutScheduleAsync(new StoredSchedule { Schedule = Moved(schedule, next), Type = made.Type, Args = made.Args, ArgsVersion = made.ArgsVersion }, cancellationToken)
            .ConfigureAwait(false);
        signals.PulseWork();
    }

    public Task<bool> UnscheduleAsync(string name, CancellationToken cancellationToken = default) => store.RemoveScheduleAsync(name, cancellationToken);

    public async Task<IReadOnlyList<JobSchedule>> ListSchedulesAsync(CancellationToken cancellationToken = default) =>
        [.. (await store.ListSchedulesAsync(null, cancellationToken).ConfigureAwait(false)).Select(stored => stored.Schedule)];

    /// <summary>Makes the jobs of schedules that are due and of a type that is known here. One that cannot be fired keeps no other from it.</summary>
    public async Task FireSchedulesAsync(DateTimeOffset now)
    {
        var due = await store.ListSchedulesAsync(now, CancellationToken.None).ConfigureAwait(false);
        if (due.Count == 0)
            return;
        // One time-out for all of them: the worker has leases to renew. Those whose backends were silent the last time come last.
        using var patience = new CancellationTokenSource(options.Lease / 6, options.TimeProvider);
        foreach (var stored in due.OrderBy(stored => _toldLanes.Contains(stored.Schedule.Name)))
        {
            try
            {
                await FireAsync(stored, now, patience.Token).ConfigureAwait(false);
                _toldFailures.Remove(stored.Schedule.Name);
            }
#pragma warning disable CA1031 // It is what somebody's schedule, handler or key says.
            catch (Exception exception) when (exception is not HypervisorException)
#pragma warning restore CA1031
            {
                if (_toldFailures.Add(stored.Schedule.Name))
                    logger.LogError(exception, "The schedule '{Schedule}' is due and cannot be fired by this process. It is tried again.", stored.Schedule.Name);
            }
        }
    }

    /// <summary>
    /// The clock went back. A schedule whose times are no further apart than that would have nothing made for longer than it ever waits: it goes on with the times that come again. What is rarer is made once, and its
    /// time does not come again; nor do those of a clock that is set right by less than a minute, which is soon over.
    /// </summary>
    public async Task MoveSchedulesBackAsync(DateTimeOffset now, TimeSpan by)
    {
        if (by < OnTime)
            return;
        foreach (var stored in await store.ListSchedulesAsync(null, CancellationToken.None).ConfigureAwait(false))
        {
            if (stored.Schedule.NextAt is not { } next || next <= now || !TimeZoneInfo.TryFindSystemTimeZoneById(stored.Schedule.Zone, out var zone) || !CronExpression.TryParse(stored.Schedule.Cron, out var cron))
                continue;
            if (cron.Next(now, zone) is { } earlier && earlier < next && cron.Next(earlier, zone) - earlier <= by + s_slack)
                await store.FireAsync(stored.Schedule.Name, next, earlier, []).ConfigureAwait(false);
        }
    }

    private async Task FireAsync(StoredSchedule stored, DateTimeOffset now, CancellationToken patience)
    {
        if (!_byType.TryGetValue(stored.Type, out var registration) || stored.ArgsVersion > registration.Options.ArgsVersion)
            return;
        // Its jobs would be made of what nobody can read.
        if (stored.Unreadable is { } unreadable)
            throw new InvalidOperationException($"The arguments of schedule '{stored.Schedule.Name}' cannot be decrypted: {unreadable.Message}", unreadable);
        if (!TimeZoneInfo.TryFindSystemTimeZoneById(stored.Schedule.Zone, out var zone))
        {
            if (_toldZones.Add(stored.Schedule.Name))
                logger.LogError("The schedule '{Schedule}' is due and is not fired by this process, as there is no time zone '{Zone}' here: install the zone data (tzdata).", stored.Schedule.Name, stored.Schedule.Zone);
            return;
        }

        var cron = CronExpression.Parse(stored.Schedule.Cron);
        var times = Missed(cron, zone, stored.Schedule.NextAt!.Value, now, stored.Schedule.CatchUp == CronCatchUp.All ? MaxCaughtUp : 1);
        var next = cron.Next(times.Count > 0 ? times[^1] : now, zone);
        if (stored.Schedule.CatchUp == CronCatchUp.None)
            times.RemoveAll(time => time < now - OnTime);
        if (await LanesOfAsync(stored, registration, patience).ConfigureAwait(false) is not { } lanes)
            return;
        if (await store.FireAsync(stored.Schedule.Name, stored.Schedule.NextAt.Value, next, [.. times.Select(time => Fired(stored, registration, lanes, time))]).ConfigureAwait(false))
            signals.PulseWork();
    }

    /// <summary>The last times from <paramref name="first"/>, which is one, to <paramref name="now"/>, as many as are wanted: looked for from near to far, as a schedule of each second has millions in a month.</summary>
    private static List<DateTimeOffset> Missed(CronExpression cron, TimeZoneInfo zone, DateTimeOffset first, DateTimeOffset now, int wanted)
    {
        foreach (var back in s_backs)
        {
            bool isAll = first >= now - back;
            var times = new List<DateTimeOffset>();
            for (var time = isAll ? first : cron.Next(now - back, zone); time <= now; time = cron.Next(time.Value, zone))
                times.Add(time.Value);
            if (times.Count > wanted)
                times.RemoveRange(0, times.Count - wanted);
            if (isAll || times.Count == wanted)
                return times;
        }

        return [];
    }

    // Within the worker's loop, which has leases to renew: a backend that does not answer in time makes the schedule wait, and no more.
    private async Task<IReadOnlyList<LaneClaim>?> LanesOfAsync(StoredSchedule stored, JobRegistration registration, CancellationToken patience)
    {
        try
        {
            var lanes = await WorkLanes.AskAsync([], registration.GetWork(stored.Args, stored.ArgsVersion), patience).AsTask().WaitAsync(patience).ConfigureAwait(false);
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
            Lanes = schedule.AllowsOverlap || schedule.CatchUp != CronCatchUp.All ? Ordered(lanes) : Ordered([.. lanes, new LaneClaim { Key = LaneKey.Parse("cron:" + Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(schedule.Name)))), Mode = LaneMode.Exclusive }]),
        };
    }

    private static JobSchedule Moved(JobSchedule schedule, DateTimeOffset? next) => new()
    {
        Name = schedule.Name, Cron = schedule.Cron, Zone = schedule.Zone, CatchUp = schedule.CatchUp, AllowsOverlap = schedule.AllowsOverlap, Jitter = schedule.Jitter,
        Rate = schedule.Rate, NextAt = next,
    };
}
