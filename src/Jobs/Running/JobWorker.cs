using Hypervisor.Sdk.Jobs.Stores;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hypervisor.Sdk.Jobs.Running;

/// <summary>Takes jobs and runs them. What is taken and renewed is decided in one loop; a handler runs on its own, and only ends its attempt.</summary>
internal sealed partial class JobWorker(IJobStore store, IEnumerable<JobRegistration> registrations, JobsOptions options, JobSignals signals, JobClient client, QueueLookout lookout,
    JobMeasures measures, ILogger<JobWorker> logger) : IHostedService, IDisposable
{
    private const int MaxReasonChars = 2000;
    private const int PurgeRows = 500;
    private static readonly TimeSpan PurgeInterval = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan MinPark = TimeSpan.FromMilliseconds(1);

    // More than a clock that is kept right is ever put back by.
    private static readonly TimeSpan s_clockStep = TimeSpan.FromSeconds(1);

    private static readonly Task s_never = new TaskCompletionSource().Task;
    private static readonly TimeSpan s_longestStuck = TimeSpan.FromMinutes(1);

    private readonly Dictionary<string, JobRegistration> _types = registrations.ToDictionary(registration => registration.Type, StringComparer.Ordinal);
    private readonly Dictionary<string, int> _known = registrations.ToDictionary(registration => registration.Type, registration => registration.Options.ArgsVersion, StringComparer.Ordinal);
    private readonly Lock _gate = new();

    // By token: two attempts at one job may be here, when the first has lost its lease and does not know it yet.
    private readonly Dictionary<long, JobRun> _runs = [];
    private readonly CancellationTokenSource _stop = new();
    private Task _loop = Task.CompletedTask;
    private TimeSpan _stuckFor;
    private DateTimeOffset _stuckNextAt;
    private DateTimeOffset _cancelsNextAt;
    private bool _mayBeCancelled;

    private DateTimeOffset Now => options.TimeProvider.GetUtcNow();

    public Task StartAsync(CancellationToken cancellationToken)
    {
        if (options.Concurrency > 0 && _types.Count > 0)
        {
            signals.CancelRequested += CancelRun;
            StartRenewing();
            _loop = LoopAsync();
        }

        return Task.CompletedTask;
    }

    /// <summary>Takes nothing more, asks the handlers to stop, and waits for them until <paramref name="cancellationToken"/>; what still runs then is left to its lease.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        signals.CancelRequested -= CancelRun;
        await options.StopAsync(_stop).ConfigureAwait(false);
        // However the loop ends, the handlers are asked to stop.
        await _loop.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        var runs = Runs();
        foreach (var run in runs)
            run.Stop(RunStop.Shutdown, null);
        var ended = Task.WhenAll(runs.Select(run => run.IsAbandoned ? run.Abandoning : run.Task));
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var renewing = RenewUntilAsync(waiting.Token);
        try
        {
            await ended.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            await options.StopAsync(waiting).ConfigureAwait(false);
            StopRenewing();
            // A store that does not answer keeps nobody longer than he waits.
            await Task.WhenAll(renewing, _renewing).WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    public void Dispose()
    {
        StopRenewing();
        _stop.Dispose();
    }

    private async Task LoopAsync()
    {
        var nextRenewal = Now + (options.Lease / 3);
        var nextPurge = Now;
        DateTimeOffset? nextClaim = null;
        var (turnedAt, stamp, back) = (Now, options.TimeProvider.GetTimestamp(), TimeSpan.Zero);
        while (!_stop.IsCancellationRequested)
        {
            var work = signals.Work;
            var step = turnedAt + options.TimeProvider.GetElapsedTime(stamp) - Now;
            bool isBack = Now < turnedAt && step > s_clockStep;
            (turnedAt, stamp) = (Now, options.TimeProvider.GetTimestamp());
            lookout.Turned(turnedAt);
            if (isBack)
            {
                // What was to be done at a time was said by the clock as it was.
                (nextRenewal, nextPurge, nextClaim) = (turnedAt, turnedAt, null);
                ClockWentBack(step);
                back += step;
            }

            try
            {
                if (back > TimeSpan.Zero)
                {
                    await client.MoveSchedulesBackAsync(turnedAt, back).ConfigureAwait(false);
                    back = TimeSpan.Zero;
                }

                if (RenewsInLoop && Now >= nextRenewal)
                {
                    // Only what was renewed waits for the next time.
                    var renewedAt = Now;
                    await RenewAsync().ConfigureAwait(false);
                    nextRenewal = renewedAt + (options.Lease / 3);
                }

                StopLate();
                await StopCancelledAsync().ConfigureAwait(false);
                if (Now >= nextPurge)
                {
                    int purged = await store.PurgeAsync(Now, PurgeRows).ConfigureAwait(false);
                    nextPurge = Now + (purged < PurgeRows ? PurgeInterval : TimeSpan.Zero);
                }

                var now = Now;
                if (now >= lookout.NextAt)
                    await lookout.LookAsync(Knows, now).ConfigureAwait(false);
                if (nextClaim is null || now >= nextClaim)
                    await client.FireSchedulesAsync(now).ConfigureAwait(false);
                // Without a free place there is nothing to take; leases that ran out are looked at when they do.
                if (FreePlaces() > 0 || nextClaim is null || now >= nextClaim)
                    nextClaim = await TakeAsync(now).ConfigureAwait(false);
            }
            catch (HypervisorException exception)
            {
                logger.LogWarning(exception, "The job store does not answer; looking again in {PollInterval}.", options.PollInterval);
                // What was due is still due: without a pause of its own it would be asked for without end. A lease that has to be renewed does not wait as long.
                nextClaim = Now + options.PollInterval;
                await ParkAsync(s_never, Earliest(nextClaim.Value, Now + (options.Lease / 6))).ConfigureAwait(false);
                continue;
            }
#pragma warning disable CA1031 // Whatever it is: without this loop nothing is renewed, and every job here would be taken by others.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                logger.LogError(exception, "The worker could not do what was due; it goes on in {PollInterval}.", options.PollInterval);
                nextClaim = Now + options.PollInterval;
                await ParkAsync(s_never, Earliest(nextClaim.Value, Now + (options.Lease / 6))).ConfigureAwait(false);
                continue;
            }

            await ParkAsync(work, Earliest(nextPurge, lookout.NextAt, nextClaim, NextStop(), RenewsInLoop && Runs().Count > 0 ? nextRenewal : null, _mayBeCancelled && Runs().Count > 0 ? _cancelsNextAt : null)).ConfigureAwait(false);
        }
    }

    private void ClockWentBack(TimeSpan by)
    {
        logger.LogWarning("The clock went back by {Time}. What is stored as due at a time waits until the clock comes to it.", by);
        (_cancelsNextAt, _stuckNextAt) = (default, default);
        lookout.LookNow();
        foreach (var run in Runs())
            run.ClockWentBack(Now, by, options.AbandonAfter);
    }

    private static DateTimeOffset Earliest(DateTimeOffset first, params ReadOnlySpan<DateTimeOffset?> others)
    {
        foreach (var other in others)
        {
            if (other < first)
                first = other.Value;
        }

        return first;
    }

    private async Task ParkAsync(Task work, DateTimeOffset until)
    {
        // Never less than a millisecond: what is due by now and cannot be taken waits for work.
        var wait = until - Now;
        if (wait < MinPark)
            wait = MinPark;
        using var wake = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        await Task.WhenAny(work, options.DelayAsync(wait, wake.Token)).ConfigureAwait(false);
        await options.StopAsync(wake).ConfigureAwait(false);
    }

    private async Task<DateTimeOffset?> TakeAsync(DateTimeOffset firedAt)
    {
        // Who stood still since, or waited for the store, would take jobs under leases that have run out already.
        DateTimeOffset now = default;
        var claimed = await store.ClaimAsync(Ask(), CancellationToken.None).ConfigureAwait(false);
        measures.LeasesLost(claimed.LeasesLost);
        foreach (var claim in claimed.Jobs)
        {
            // Whoever works on it here has lost his lease.
            if (claim.Attempt > 1)
                Runs().FindAll(run => run.Claim.Id == claim.Id).ForEach(run => run.Stop(RunStop.LeaseLost, now + options.AbandonAfter));
            measures.Began(claim, now);
            var run = new JobRun(claim, now, _types[claim.Type].Options.TimeLimit, options.Loop);
            lock (_gate)
                _runs[claim.FencingToken] = run;
            run.Task = RunAsync(run);
        }

        foreach (var claim in claimed.Jobs)
            signals.PulseJob(claim.Id);
        return claimed.NextAt <= firedAt ? await NextPastStuckAsync(now, claimed.Jobs.Count > 0).ConfigureAwait(false) : NotStuck(claimed.NextAt);

        ClaimRequest Ask()
        {
            now = Now;
            // Who was told to stop while he waited for his turn takes nothing more.
            int places = _stop.IsCancellationRequested ? 0 : FreePlaces();
            return new ClaimRequest { Worker = options.Worker, Types = _known, Limit = places, Now = now, LeaseUntil = now + options.Lease, AtItsTurn = Ask };
        }
    }

    private DateTimeOffset? NotStuck(DateTimeOffset? nextAt)
    {
        _stuckFor = TimeSpan.Zero;
        return nextAt;
    }

    // A schedule was due at the moment of asking, is still there, and nobody here can fire it (a time zone that is missing here): it is looked at again, and less and less often. It hides what is due after it,
    // which is asked for without the schedules; but not for every job that begins.
    private async Task<DateTimeOffset?> NextPastStuckAsync(DateTimeOffset now, bool isBusy)
    {
        if (isBusy || now < _stuckNextAt)
            return now + options.PollInterval;
        _stuckNextAt = now + options.PollInterval;
        _stuckFor = _stuckFor == TimeSpan.Zero ? options.PollInterval : _stuckFor * 2 < s_longestStuck ? _stuckFor * 2 : s_longestStuck;
        var schedules = await store.ListSchedulesAsync(null, CancellationToken.None).ConfigureAwait(false);
        var rest = await store.ClaimAsync(new ClaimRequest { Worker = options.Worker, Types = new Dictionary<string, int>(), Limit = 0, Now = now, LeaseUntil = now + options.Lease }, CancellationToken.None).ConfigureAwait(false);
        measures.LeasesLost(rest.LeasesLost);
        var scheduled = schedules.Where(stored => stored.Schedule.NextAt > now && Knows(stored.Type, stored.ArgsVersion)).Min(stored => stored.Schedule.NextAt);
        return Earliest(now + _stuckFor, scheduled, rest.NextAt > now ? rest.NextAt : null);
    }

    private bool Knows(string type, int version) => _known.TryGetValue(type, out int known) && version <= known;

    private async Task RunAsync(JobRun run)
    {
        // A handler that blocks its thread blocks none of ours.
        await options.NewTurn();
        using var span = JobSpans.StartAttempt(run.Claim, options.Worker);
        long began = options.TimeProvider.GetTimestamp();
        try
        {
            var ended = await AttemptAsync(run).ConfigureAwait(false);
            bool counts = run.TryReturn();
            var end = !counts ? AttemptEnd.Abandoned : ended?.End ?? AttemptEnd.LeaseLost;
            JobSpans.End(span, end, run.Failure);
            measures.Ended(run.Claim.Type, end, options.TimeProvider.GetElapsedTime(began));
            if (!counts)
                logger.LogInformation("The abandoned attempt {Attempt} at job {Job} has ended by itself.", run.Claim.Attempt, run.Claim.Id);
            else if (ended is null || !await StoreEndAsync(run, ended).ConfigureAwait(false))
                logger.LogWarning("Attempt {Attempt} at job {Job} lost its lease; nothing of its end was taken.", run.Claim.Attempt, run.Claim.Id);
        }
#pragma warning disable CA1031 // Whatever the store, or the key of the result, threw to the last: it is told.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            logger.LogError(exception, "The end of attempt {Attempt} at job {Job} cannot be stored; the job is tried again when its lease runs out.", run.Claim.Attempt, run.Claim.Id);
        }
        finally
        {
            if (!run.IsAbandoned)
                Forget(run);
            run.Dispose();
        }
    }

    private void Forget(JobRun run)
    {
        lock (_gate)
            _runs.Remove(run.Claim.FencingToken);
        signals.PulseJob(run.Claim.Id);
        signals.PulseWork();
    }

    private async Task<EndedAttempt?> AttemptAsync(JobRun run)
    {
        var claim = run.Claim;
        var registration = _types[claim.Type];
        try
        {
            if (claim.Unreadable is { } unreadable)
                throw unreadable;
            var job = new JobContext(store, claim, options.TimeProvider, options.MaxPayloadBytes, signals, client);
            if (claim.CompensatesTo is { } target)
            {
                await ReplayAsync(registration, job, claim, run.Token).ConfigureAwait(false);
                await job.CompensateAsync().ConfigureAwait(false);
                return new EndedAttempt { Id = claim.Id, FencingToken = claim.FencingToken, End = AttemptEnd.Compensated, State = target, Now = Now };
            }

            string result = await registration.RunAsync(job, claim.Args, claim.ArgsVersion, options.MaxPayloadBytes, run.Token).ConfigureAwait(false);
            return End(claim, AttemptEnd.Completed, result: result);
        }
        catch (JobLeaseLostException)
        {
            return null;
        }
        catch (OperationCanceledException) when (run.Token.IsCancellationRequested)
        {
            return Stopped(run);
        }
#pragma warning disable CA1031 // Whatever a handler throws is why its attempt failed: it is stored and told.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            run.Failure = exception;
            return Failed(claim, exception);
        }
    }

    // Over stored results, up to where the handler would do something new or fails again as it did. What it does not come past is found afterwards.
    private async Task ReplayAsync(JobRegistration registration, JobContext job, ClaimedJob claim, CancellationToken cancellationToken)
    {
        try
        {
            await registration.RunAsync(job, claim.Args, claim.ArgsVersion, options.MaxPayloadBytes, cancellationToken).ConfigureAwait(false);
        }
#pragma warning disable CA1031 // It failed before, and may fail again in the same way.
        catch (Exception exception) when (exception is not JobLeaseLostException and not HypervisorException { Outcome: RequestOutcome.Unknown } && !cancellationToken.IsCancellationRequested)
#pragma warning restore CA1031
        {
            logger.LogDebug(exception, "The handler of job {Job} went as far as its steps are to be undone.", claim.Id);
        }
    }

    // The request may have been what made the job one to be compensated, and that is not cancelled.
    private void CancelRun(JobId id)
    {
        foreach (var run in Runs().Where(run => run.Claim.Id == id && run.Claim.CompensatesTo is null))
            run.Stop(RunStop.Cancel, Now + options.AbandonAfter);
    }

    // Another process may have cancelled what runs here: looked up when something changed, and at most once per poll interval.
    private async Task StopCancelledAsync()
    {
        _mayBeCancelled |= signals.TakeChanged();
        var now = Now;
        if (!_mayBeCancelled || now < _cancelsNextAt)
            return;
        var runs = Runs();
        runs.RemoveAll(run => run.Reason != RunStop.None || run.IsEnding || run.Claim.CompensatesTo is not null);
        _cancelsNextAt = runs.Count > 0 ? now + options.PollInterval : now;
        if (runs.Count > 0)
        {
            var asked = (await store.ListCancelRequestsAsync([.. runs.Select(run => run.Claim.Id)], CancellationToken.None).ConfigureAwait(false)).ToHashSet();
            foreach (var run in runs.Where(run => asked.Contains(run.Claim.Id)))
                run.Stop(RunStop.Cancel, Now + options.AbandonAfter);
        }

        _mayBeCancelled = false;
    }

    private int FreePlaces() => Math.Max(0, options.Concurrency - Runs().Count(run => !run.IsEnding));

    private List<JobRun> Runs()
    {
        lock (_gate)
            return [.. _runs.Values];
    }
}
