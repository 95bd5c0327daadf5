using Hypervisor.Sdk.Jobs.Stores;
using Microsoft.Extensions.Logging;

namespace Hypervisor.Sdk.Jobs.Running;

/// <summary>How attempts end, and that this is stored.</summary>
internal sealed partial class JobWorker
{
    private static readonly TimeSpan s_firstEndWait = TimeSpan.FromMilliseconds(100);

    private DateTimeOffset? NextStop() => Runs().Where(run => !run.IsEnding).Min(run => run.AbandonAt ?? run.StopAt);

    // Who is late is asked to stop; who was asked and went on is abandoned.
    private void StopLate()
    {
        var now = Now;
        foreach (var run in Runs().Where(run => !run.IsEnding))
        {
            if (run.Reason == RunStop.None && run.StopAt <= now)
                run.Stop(run.Claim.DeadlineAt <= now ? RunStop.Deadline : RunStop.TimeLimit, now + options.AbandonAfter);
            if (run.AbandonAt <= now && run.TryAbandon())
                run.Abandoning = AbandonAsync(run);
        }
    }

    private async Task AbandonAsync(JobRun run)
    {
        logger.LogError("Attempt {Attempt} at job {Job} ('{Type}') was asked to stop ({Reason}) and did not within {AbandonAfter}: it is abandoned. It may still do something.",
            run.Claim.Attempt, run.Claim.Id, run.Claim.Type, run.Reason, options.AbandonAfter);
        try
        {
            if (Stopped(run, " It did not stop when it was asked to, and was abandoned.") is { } ended)
            {
                await StoreEndAsync(run, new EndedAttempt
                {
                    Id = ended.Id, FencingToken = ended.FencingToken, End = AttemptEnd.Abandoned, State = ended.State, Now = ended.Now, DueAt = ended.DueAt, Reason = ended.Reason,
                }).ConfigureAwait(false);
            }
        }
#pragma warning disable CA1031 // Whatever the store threw to the last: it is told.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            logger.LogError(exception, "That attempt {Attempt} at job {Job} was abandoned cannot be stored; the job is tried again when its lease runs out.", run.Claim.Attempt, run.Claim.Id);
        }
        finally
        {
            Forget(run);
        }
    }

    /// <summary>The end of an attempt that was asked to stop; null where its lease is lost.</summary>
    private EndedAttempt? Stopped(JobRun run, string more = "") => run.Reason switch
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

    private EndedAttempt End(ClaimedJob claim, AttemptEnd end, string? reason = null, DateTimeOffset dueAt = default, string? result = null) =>
        new() { Id = claim.Id, FencingToken = claim.FencingToken, End = end, Now = Now, DueAt = dueAt, Reason = reason, Result = result };

    /// <summary>
    /// Stores an end, again and again while the store fails and for as long as a lease lasts: what was done is not to be done again for a store that did not answer for a moment. False where the attempt had
    /// lost its lease.
    /// </summary>
    private async Task<bool> StoreEndAsync(JobRun run, EndedAttempt ended)
    {
        // The place is free when the handler has ended, and not only when that is durable: the next job is taken by the commit that ends this one.
        var stored = EndOnceAsync(ended);
        run.IsEnding = true;
        signals.PulseWork();
        var until = ended.Now + options.Lease;
        bool isLast = false;
        for (var wait = s_firstEndWait; ; wait = wait * 2 < options.Lease / 6 ? wait * 2 : options.Lease / 6)
        {
            try
            {
                return await stored.ConfigureAwait(false) || (wait > s_firstEndWait && await IsStoredAsync(ended).ConfigureAwait(false));
            }
#pragma warning disable CA1031 // Whatever it is, of the store or of the key of the result: it may be over in a moment.
            catch (Exception exception) when (!isLast && exception is not ObjectDisposedException)
#pragma warning restore CA1031
            {
                logger.LogWarning(exception, "The end of attempt {Attempt} at job {Job} could not be stored; it is tried again in {Wait}.", run.Claim.Attempt, run.Claim.Id, wait);
            }

            var left = until - Now;
            await options.DelayAsync(left < wait ? left > MinPark ? left : MinPark : wait, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            // Who shuts down tries once more, and does not keep his host waiting for a store that is gone.
            isLast = Now >= until || _stop.IsCancellationRequested;
            stored = EndOnceAsync(ended);
        }
    }

    // What it throws before it is sent is thrown where it is awaited.
    private async Task<bool> EndOnceAsync(EndedAttempt ended) => await store.EndAttemptAsync(ended).ConfigureAwait(false);

    // An earlier try may have been kept though nobody said so.
    private async Task<bool> IsStoredAsync(EndedAttempt ended) =>
        (await store.ListAttemptsAsync(ended.Id, CancellationToken.None).ConfigureAwait(false)).Any(attempt => attempt.FencingToken == ended.FencingToken && attempt.End == ended.End);
}
