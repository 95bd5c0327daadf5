using Hypervisor.Sdk.Jobs.Stores;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hypervisor.Sdk.Jobs.Running;

/// <summary>Takes jobs and runs them. What is taken and renewed is decided in one loop; a handler runs on its own, and only ends its attempt.</summary>
internal sealed class JobWorker(IJobStore store, IEnumerable<JobRegistration> registrations, JobsOptions options, JobSignals signals, JobClient client, QueueLookout lookout,
    JobMeasures measures, ILogger<JobWorker> logger) : IHostedService, IDisposable
{
    private const int MaxReasonChars = 2000;
    private const int PurgeRows = 500;
    private static readonly TimeSpan PurgeInterval = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan MinPark = TimeSpan.FromMilliseconds(1);

    private static readonly Task s_never = new TaskCompletionSource().Task;

    private readonly Dictionary<string, JobRegistration> _types = registrations.ToDictionary(registration => registration.Type, StringComparer.Ordinal);
    private readonly Dictionary<string, int> _known = registrations.ToDictionary(registration => registration.Type, registration => registration.Options.ArgsVersion, StringComparer.Ordinal);
    private readonly Lock _gate = new();
    private readonly Dictionary<JobId, Run> _runs = [];
    private readonly CancellationTokenSource _stop = new();
    private Task _loop = Task.CompletedTask;

    private DateTimeOffset Now => options.TimeProvider.GetUtcNow();

    public Task StartAsync(CancellationToken cancellationToken)
    {
        if (options.Concurrency > 0 && _types.Count > 0)
        {
            signals.CancelRequested += CancelRun;
            _loop = LoopAsync();
        }

        return Task.CompletedTask;
    }

    /// <summary>Takes nothing more, asks the handlers to stop, and waits for them until <paramref name="cancellationToken"/>; what still runs then is left to its lease.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        signals.CancelRequested -= CancelRun;
        await _stop.CancelAsync().ConfigureAwait(false);
        // However the loop ends, the handlers are asked to stop.
        await _loop.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        var runs = Runs();
        foreach (var run in runs)
            run.Stop(RunStop.Shutdown, null);
        var ended = Task.WhenAll(runs.Select(run => run.Task));
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var renewing = RenewUntilAsync(waiting.Token);
        try
        {
            await ended.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            await waiting.CancelAsync().ConfigureAwait(false);
            // A store that does not answer keeps nobody longer than he waits.
            await renewing.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    public void Dispose() => _stop.Dispose();

    private async Task LoopAsync()
    {
        var nextRenewal = Now + (options.Lease / 3);
        var nextPurge = Now;
        DateTimeOffset? nextClaim = null;
        while (!_stop.IsCancellationRequested)
        {
            var work = signals.Work;
            lookout.Turned(Now);
            try
            {
                if (Now >= nextRenewal)
                {
                    // Only what was renewed waits for the next time.
                    var renewedAt = Now;
                    await RenewAsync().ConfigureAwait(false);
                    nextRenewal = renewedAt + (options.Lease / 3);
                }

                await StopLateAsync().ConfigureAwait(false);
                if (Now >= nextPurge)
                {
                    int purged = await store.PurgeAsync(Now, PurgeRows).ConfigureAwait(false);
                    nextPurge = Now + (purged < PurgeRows ? PurgeInterval : TimeSpan.Zero);
                }

                var now = Now;
                if (now >= lookout.NextAt)
                    await lookout.LookAsync((type, version) => _known.TryGetValue(type, out int known) && version <= known, now).ConfigureAwait(false);
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

            await ParkAsync(work, Earliest(nextPurge, lookout.NextAt, nextClaim, NextStop(), Runs().Count > 0 ? nextRenewal : null)).ConfigureAwait(false);
        }
    }

    // Handlers that take their time to stop are not to meet others at the same work.
    private async Task RenewUntilAsync(CancellationToken ended)
    {
        while (true)
        {
            try
            {
                await Task.Delay(options.Lease / 3, options.TimeProvider, ended).ConfigureAwait(false);
                await RenewAsync().ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (ended.IsCancellationRequested)
            {
                return;
            }
            catch (HypervisorException exception)
            {
                logger.LogWarning(exception, "The job store does not answer while this worker shuts down; what still runs may lose its lease.");
            }
        }
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

    private DateTimeOffset? NextStop() => Runs().Min(run => run.AbandonAt ?? run.StopAt);

    // Who is late is asked to stop; who was asked and went on is abandoned.
    private async Task StopLateAsync()
    {
        var now = Now;
        foreach (var run in Runs())
        {
            if (run.Reason == RunStop.None && run.StopAt <= now)
                run.Stop(run.Claim.DeadlineAt <= now ? RunStop.Deadline : RunStop.TimeLimit, now + options.AbandonAfter);
            if (run.AbandonAt <= now && run.TryAbandon())
                await AbandonAsync(run).ConfigureAwait(false);
        }
    }

    private async Task AbandonAsync(Run run)
    {
        lock (_gate)
            _runs.Remove(run.Claim.Id);
        logger.LogError("Attempt {Attempt} at job {Job} ('{Type}') was asked to stop ({Reason}) and did not within {AbandonAfter}: it is abandoned. It may still do something.",
            run.Claim.Attempt, run.Claim.Id, run.Claim.Type, run.Reason, options.AbandonAfter);
        if (Stopped(run, " It did not stop when it was asked to, and was abandoned.") is { } ended)
        {
            await store.EndAttemptAsync(new EndedAttempt
            {
                Id = ended.Id, FencingToken = ended.FencingToken, End = AttemptEnd.Abandoned, State = ended.State, Now = ended.Now, DueAt = ended.DueAt, Reason = ended.Reason,
            }).ConfigureAwait(false);
        }

        signals.PulseJob(run.Claim.Id);
        signals.PulseWork();
    }

    /// <summary>The end of an attempt that was asked to stop; null where its lease is lost.</summary>
    private EndedAttempt? Stopped(Run run, string more = "") => run.Reason switch
    {
        RunStop.Cancel => End(run.Claim, AttemptEnd.Cancelled, "It was cancelled." + more),
        RunStop.Shutdown => End(run.Claim, AttemptEnd.Returned, "Its worker shut down.", Now),
        RunStop.Deadline => End(run.Claim, AttemptEnd.Failed, $"Its deadline, {run.Claim.DeadlineAt:O}, passed while it ran." + more),
        RunStop.TimeLimit => Failed(run.Claim, new TimeoutException($"It ran longer than its time limit of {_types[run.Claim.Type].Options.TimeLimit}." + more)),
        _ => null,
    };

    private EndedAttempt Failed(ClaimedJob claim, Exception failure)
    {
        // What could not be undone now is tried again whatever the reason: giving up leaves something behind.
        var rule = claim.CompensatesTo is null ? failure : new TimeoutException(failure.Message, failure);
        var wait = RetryRule.WaitAfter(rule, claim.CountedAttempts, claim.MaxAttempts, _types[claim.Type].Options, options.Random);
        logger.LogWarning(failure, "Attempt {Attempt} at job {Job} failed; {Next}.", claim.Attempt, claim.Id, wait is null ? "it was the last" : "it is tried again");
        if (claim.CompensatesTo is not null)
            failure = new InvalidOperationException("Not everything that it did is undone: " + failure.Message, failure);
        string reason = failure.Message.Length > MaxReasonChars ? failure.Message[..MaxReasonChars] : failure.Message;
        return wait is { } delay ? End(claim, AttemptEnd.Retried, reason, Now + delay) : End(claim, AttemptEnd.Failed, reason);
    }

    private async Task ParkAsync(Task work, DateTimeOffset until)
    {
        // Never less than a millisecond: what is due by now and cannot be taken waits for work.
        var wait = until - Now;
        if (wait < MinPark)
            wait = MinPark;
        using var wake = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        await Task.WhenAny(work, Task.Delay(wait, options.TimeProvider, wake.Token)).ConfigureAwait(false);
        await wake.CancelAsync().ConfigureAwait(false);
    }

    private async Task<DateTimeOffset?> TakeAsync(DateTimeOffset now)
    {
        var claimed = await store.ClaimAsync(new ClaimRequest { Worker = options.Worker, Types = _known, Limit = FreePlaces(), Now = now, LeaseUntil = now + options.Lease }, CancellationToken.None)
            .ConfigureAwait(false);
        measures.LeasesLost(claimed.LeasesLost);
        foreach (var claim in claimed.Jobs)
        {
            measures.Began(claim, now);
            var limit = now + _types[claim.Type].Options.TimeLimit;
            var run = new Run(claim, limit is null || claim.DeadlineAt < limit ? claim.DeadlineAt : limit);
            lock (_gate)
                _runs[claim.Id] = run;
            run.Task = RunAsync(run);
        }

        foreach (var claim in claimed.Jobs)
            signals.PulseJob(claim.Id);
        // What was due at the moment of asking and is still there, nobody here can do (a schedule in a time zone that is missing here): it is looked at again, and not at once.
        return claimed.NextAt <= now ? now + options.PollInterval : claimed.NextAt;
    }

    private async Task RenewAsync()
    {
        foreach (var run in Runs())
        {
            var now = Now;
            bool? cancel = await store.RenewAsync(run.Claim.Id, run.Claim.FencingToken, now, now + options.Lease).ConfigureAwait(false);
            if (cancel is null)
                run.Stop(RunStop.LeaseLost, now + options.AbandonAfter);
            else if (cancel == true)
                run.Stop(RunStop.Cancel, now + options.AbandonAfter);
        }
    }

    private async Task RunAsync(Run run)
    {
        // A handler that blocks its thread blocks none of ours.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        using var span = JobSpans.StartAttempt(run.Claim, options.Worker);
        long began = options.TimeProvider.GetTimestamp();
        try
        {
            var ended = await AttemptAsync(run).ConfigureAwait(false);
            var end = run.IsAbandoned ? AttemptEnd.Abandoned : ended?.End ?? AttemptEnd.LeaseLost;
            JobSpans.End(span, end, run.Failure);
            measures.Ended(run.Claim.Type, end, options.TimeProvider.GetElapsedTime(began));
            if (run.IsAbandoned)
                logger.LogInformation("The abandoned attempt {Attempt} at job {Job} has ended by itself.", run.Claim.Attempt, run.Claim.Id);
            else if (ended is null || !await StoreAsync(run, ended).ConfigureAwait(false))
                logger.LogWarning("Attempt {Attempt} at job {Job} lost its lease; nothing of its end was taken.", run.Claim.Attempt, run.Claim.Id);
        }
        catch (HypervisorException exception)
        {
            logger.LogError(exception, "The end of attempt {Attempt} at job {Job} cannot be stored; the job is tried again when its lease runs out.", run.Claim.Attempt, run.Claim.Id);
        }
        finally
        {
            lock (_gate)
            {
                if (_runs.TryGetValue(run.Claim.Id, out var current) && current == run)
                    _runs.Remove(run.Claim.Id);
            }

            run.Dispose();
            signals.PulseJob(run.Claim.Id);
            signals.PulseWork();
        }
    }

    // The place is free when the handler has ended, and not only when that is durable: the next job is taken by the commit that ends this one.
    private Task<bool> StoreAsync(Run run, EndedAttempt ended)
    {
        var stored = store.EndAttemptAsync(ended);
        run.IsEnding = true;
        signals.PulseWork();
        return stored;
    }

    private async Task<EndedAttempt?> AttemptAsync(Run run)
    {
        var claim = run.Claim;
        var registration = _types[claim.Type];
        try
        {
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

    private EndedAttempt End(ClaimedJob claim, AttemptEnd end, string? reason = null, DateTimeOffset dueAt = default, string? result = null) =>
        new() { Id = claim.Id, FencingToken = claim.FencingToken, End = end, Now = Now, DueAt = dueAt, Reason = reason, Result = result };

    // The request may have been what made the job one to be compensated, and that is not cancelled.
    private void CancelRun(JobId id) => Runs().FirstOrDefault(run => run.Claim.Id == id && run.Claim.CompensatesTo is null)?.Stop(RunStop.Cancel, Now + options.AbandonAfter);

    private int FreePlaces() => Math.Max(0, options.Concurrency - Runs().Count(run => !run.IsEnding));

    private List<Run> Runs()
    {
        lock (_gate)
            return [.. _runs.Values];
    }

    private enum RunStop
    {
        None,
        Cancel,
        LeaseLost,
        Shutdown,
        TimeLimit,
        Deadline,
    }

    private sealed class Run : IDisposable
    {
        private readonly Lock _gate = new();
        private readonly CancellationTokenSource _source = new();
        private bool _isDisposed;
        private bool _isEnding;

        public Run(ClaimedJob claim, DateTimeOffset? stopAt)
        {
            Claim = claim;
            StopAt = stopAt;
            Token = _source.Token;
        }

        public ClaimedJob Claim { get; }

        public Task Task { get; set; } = Task.CompletedTask;

        public RunStop Reason { get; private set; }

        public CancellationToken Token { get; }

        /// <summary>When it is asked to stop, where it has a limit or a deadline.</summary>
        public DateTimeOffset? StopAt { get; }

        /// <summary>When it is given up, once it was asked to stop.</summary>
        public DateTimeOffset? AbandonAt { get; private set; }

        public bool IsAbandoned { get; private set; }

        /// <summary>Its handler has ended; that is being stored.</summary>
        public bool IsEnding { get => Volatile.Read(ref _isEnding); set => Volatile.Write(ref _isEnding, value); }

        /// <summary>What the handler threw.</summary>
        public Exception? Failure { get; set; }

        /// <summary>The first reason wins.</summary>
        public void Stop(RunStop reason, DateTimeOffset? abandonAt)
        {
            lock (_gate)
            {
                if (_isDisposed || Reason != RunStop.None)
                    return;
                Reason = reason;
                AbandonAt = abandonAt;
                // Callbacks of the handler run elsewhere: they may block.
                _ = _source.CancelAsync();
            }
        }

        /// <summary>Gives it up, unless its handler has returned.</summary>
        public bool TryAbandon()
        {
            lock (_gate)
                return !_isDisposed && (IsAbandoned = true);
        }

        public void Dispose()
        {
            lock (_gate)
            {
                _isDisposed = true;
                _source.Dispose();
            }
        }
    }
}
