using Hypervisor.Sdk.Qemu.Qapi;

namespace Hypervisor.Sdk.Qemu.Qmp;

/// <content>Jobs: commands that QEMU accepts at once and works on in the background.</content>
public sealed partial class QmpClient
{
    /// <summary>
    /// Starts a job and waits until it has ended: <c>qmp.RunJobAsync("create0", (q, ct) => q.BlockdevCreateAsync("create0", options, ct))</c>. The job is dismissed at the end. A job
    /// that has to be completed or finalized by hand does not end by itself: see <see cref="WaitForJobAsync"/>.
    /// </summary>
    /// <param name="id">The job's id, as <paramref name="start"/> gives it to the command. The command must not let the job dismiss itself.</param>
    /// <param name="start">Starts it.</param>
    /// <param name="cancellationToken">Cancels the wait, not the job: that takes <c>job-cancel</c>.</param>
    /// <exception cref="HypervisorException">
    /// The job failed: <see cref="RequestOutcome.FailedMidway"/> with QEMU's words. Or what <paramref name="start"/> or the connection throws.
    /// </exception>
    public async Task RunJobAsync(string id, Func<QmpClient, CancellationToken, ValueTask> start, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(id);
        ArgumentNullException.ThrowIfNull(start);
        using var events = Subscribe(QmpEventName.JobStatusChange);
        await start(this, cancellationToken).ConfigureAwait(false);
        await ConcludeAsync(events, id, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Waits until a job has ended, started by whomever, and dismisses it.</summary>
    /// <inheritdoc cref="RunJobAsync"/>
    public async Task ConcludeJobAsync(string id, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(id);
        using var events = Subscribe(QmpEventName.JobStatusChange);
        await ConcludeAsync(events, id, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Waits until a job is in a state, or has concluded before it came there: the result tells.</summary>
    /// <param name="id">The job's id.</param>
    /// <param name="until">For example <see cref="JobStatus.Ready"/> for a mirror that is in step, <see cref="JobStatus.Pending"/> for one that waits to be finalized.</param>
    /// <param name="cancellationToken">Cancels the wait, not the job.</param>
    /// <exception cref="HypervisorException">There is no such job, or not any more (<see cref="ErrorCode.NotFound"/>), or what the connection throws.</exception>
    public async Task<JobInfo> WaitForJobAsync(string id, JobStatus until, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(id);
        using var events = Subscribe(QmpEventName.JobStatusChange);
        return await WaitAsync(events, id, until, cancellationToken).ConfigureAwait(false);
    }

    private async Task ConcludeAsync(QmpSubscription events, string id, CancellationToken cancellationToken)
    {
        var job = await WaitAsync(events, id, JobStatus.Concluded, cancellationToken).ConfigureAwait(false);
        await JobDismissAsync(id, cancellationToken).ConfigureAwait(false);
        if (job.Error is { } error)
        {
            throw new HypervisorException($"The job {id} of {Endpoint} failed: {error}", ErrorCode.Unspecified, RequestOutcome.FailedMidway)
            {
                BackendMessage = error,
                Resource = $"job {id}",
            };
        }
    }

    /// <summary>The events say when to look, and query-jobs says what is: so nothing is missed that happened before the subscription.</summary>
    private async Task<JobInfo> WaitAsync(QmpSubscription events, string id, JobStatus until, CancellationToken cancellationToken)
    {
        while (true)
        {
            var jobs = await QueryJobsAsync(cancellationToken).ConfigureAwait(false);
            var job = jobs.FirstOrDefault(known => known.Id == id) ?? throw Gone(id);
            if (job.Status == until || job.Status == JobStatus.Concluded)
                return job;

            JobStatus status;
            do
            {
                var change = (JobStatusChangeEvent)await events.ReadAsync(cancellationToken).ConfigureAwait(false);
                status = change.Id == id ? change.Status : JobStatus.Undefined;
            }
            while (status != until && status != JobStatus.Concluded && status != JobStatus.Null);
        }
    }

    private HypervisorException Gone(string id) => new(
        $"{Endpoint} has no job {id}: it was never started, or somebody dismissed it, or it dismissed itself. How it ended cannot be told.",
        ErrorCode.NotFound,
        RequestOutcome.Unknown) { Resource = $"job {id}" };
}
