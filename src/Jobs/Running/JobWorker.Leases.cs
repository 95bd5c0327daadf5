using Microsoft.Extensions.Logging;

namespace Hypervisor.Sdk.Jobs.Running;

/// <summary>
/// Keeps the leases of what runs. By the clock of the system that is done by a thread of its own: handlers that block every thread of the pool are not to lose what they work on. By another clock it is done
/// in the loop, where a simulation has its order.
/// </summary>
internal sealed partial class JobWorker
{
    private const int RenewedAtOnce = 16;

    private readonly TaskCompletionSource _renewedEnough = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Task _renewing = Task.CompletedTask;

    private bool RenewsInLoop => options.TimeProvider != TimeProvider.System;

    private void StartRenewing()
    {
        if (RenewsInLoop)
            return;
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _renewing = ended.Task;
        new Thread(() =>
        {
            RenewOnThread();
            ended.SetResult();
        }) { IsBackground = true, Name = "Hypervisor.Sdk.Jobs leases" }.Start();
    }

    private void StopRenewing() => _renewedEnough.TrySetResult();

    private void RenewOnThread()
    {
        var wait = options.Lease / 3;
        while (!_renewedEnough.Task.Wait(wait))
        {
            try
            {
                bool isDone = true;
                foreach (var some in Runs().Chunk(RenewedAtOnce))
                    isDone &= TryRenew(some);
                wait = isDone ? options.Lease / 3 : options.Lease / 6;
            }
#pragma warning disable CA1031 // Whatever it is: without this thread nothing is renewed.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                logger.LogError(exception, "Leases could not be renewed; it is tried again.");
                wait = options.Lease / 6;
            }
        }
    }

    // False where something has to be tried again soon.
    private bool TryRenew(JobRun[] runs)
    {
        foreach (var run in runs)
        {
            var now = Now;
            // One that is still under way is waited for, and no second one begun.
            if (run.Renewal is null or { IsCompleted: true })
                run.Renewal = store.RenewAsync(run.Claim.Id, run.Claim.FencingToken, now, now + options.Lease);
        }

        WaitFor([.. runs.Select(run => run.Renewal!)]);
        bool isDone = true;
        foreach (var run in runs)
        {
            if (run.Renewal!.IsCompletedSuccessfully)
            {
                Renewed(run, run.Renewal.Result);
                continue;
            }

            isDone = false;
            if (run.Renewal.IsFaulted)
                logger.LogWarning(run.Renewal.Exception.InnerException, "The lease of job {Job} could not be renewed; it is tried again.", run.Claim.Id);
        }

        return isDone;
    }

    // Blocks. A store may need a thread of the pool to hear the answer: where handlers block all of them the pool is let grow, which by itself it does by one or two a second.
    private void WaitFor(Task[] renewals)
    {
        for (int part = 0; part < 4; part++)
        {
            try
            {
                if (Task.WaitAll(renewals, options.Lease / 12))
                    return;
            }
            catch (AggregateException)
            {
                // Each is looked at by itself.
                return;
            }

            if (ThreadPool.PendingWorkItemCount == 0)
                continue;
            ThreadPool.GetMinThreads(out int least, out int ports);
            ThreadPool.GetMaxThreads(out int most, out _);
            ThreadPool.SetMinThreads(Math.Min(most, Math.Max(least, ThreadPool.ThreadCount + Environment.ProcessorCount)), ports);
        }
    }

    private async Task RenewAsync()
    {
        foreach (var run in Runs())
        {
            var now = Now;
            bool? cancel = await store.RenewAsync(run.Claim.Id, run.Claim.FencingToken, now, now + options.Lease).ConfigureAwait(false);
            Renewed(run, cancel);
        }
    }

    private void Renewed(JobRun run, bool? cancel)
    {
        if (cancel is null)
            run.Stop(RunStop.LeaseLost, Now + options.AbandonAfter);
        else if (cancel == true)
            run.Stop(RunStop.Cancel, Now + options.AbandonAfter);
    }

    // Handlers that take their time to stop are not to meet others at the same work.
    private async Task RenewUntilAsync(CancellationToken ended)
    {
        // The thread goes on until it is told.
        while (RenewsInLoop)
        {
            try
            {
                await options.DelayAsync(options.Lease / 3, ended).ConfigureAwait(false);
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
}
