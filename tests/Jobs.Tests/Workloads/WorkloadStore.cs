using Hypervisor.Sdk.Jobs.Stores;

namespace Hypervisor.Sdk.Jobs.Tests.Workloads;

/// <summary>Writes down what a store took, in the order in which it did. Each call is over when it returns, also where the store has threads of its own: time stands still meanwhile.</summary>
internal sealed class RecordingStore(IJobStore store, WorkloadHistory history) : StoreDecorator(store)
{
    private const int MostCalls = 400_000;
    private const int MostJobs = 10_000;
    private int _calls;

    public override Task<IReadOnlyList<JobId>> EnqueueAsync(IReadOnlyList<NewJob> jobs, CancellationToken cancellationToken)
    {
        var ids = base.EnqueueAsync(jobs, cancellationToken);
        if (ids.IsCompletedSuccessfully)
            Made(jobs.Where((job, i) => ids.Result[i] == job.Id));
        return ids;
    }

    public override Task<bool> FireAsync(string name, DateTimeOffset expected, DateTimeOffset? next, IReadOnlyList<NewJob> jobs)
    {
        var fired = base.FireAsync(name, expected, next, jobs);
        // One whose unique key is taken was not made.
        if (fired is { IsCompletedSuccessfully: true, Result: true })
            Made(jobs.Where(job => Inner.GetAsync(job.Id, CancellationToken.None).GetAwaiter().GetResult() is not null));
        return fired;
    }

    public override Task<ClaimedJobs> ClaimAsync(ClaimRequest request, CancellationToken cancellationToken)
    {
        // What it went by, which is asked when its turn comes: the process may have stood still since.
        var asked = request;
        var told = new ClaimRequest { Worker = request.Worker, Types = request.Types, Limit = request.Limit, Now = request.Now, LeaseUntil = request.LeaseUntil, AtItsTurn = () => asked = request.Settle() };
        var claimed = base.ClaimAsync(told, cancellationToken);
        if (claimed.IsCompletedSuccessfully)
            history.Add(new JobsClaimed(asked, claimed.Result.Jobs, ListAsync(new JobQuery(), MostJobs, cancellationToken).Result, ListPausedAsync(cancellationToken).Result));
        return claimed;
    }

    public override Task<bool?> RenewAsync(JobId id, long fencingToken, DateTimeOffset now, DateTimeOffset until)
    {
        var renewed = base.RenewAsync(id, fencingToken, now, until);
        if (renewed is { IsCompletedSuccessfully: true, Result: not null })
            history.Add(new AttemptWrote("renewed", id, fencingToken, now, until));
        return renewed;
    }

    public override Task<bool> BeginStepAsync(JobId id, long fencingToken, StoredStep step, DateTimeOffset now) =>
        Written(base.BeginStepAsync(id, fencingToken, step, now), new AttemptWrote("intent " + step.Name, id, fencingToken, now));

    public override Task<bool> EndStepAsync(JobId id, long fencingToken, string name, string result, DateTimeOffset now) =>
        Written(base.EndStepAsync(id, fencingToken, name, result, now), new AttemptWrote("result " + name, id, fencingToken, now));

    public override Task<bool> EndAttemptAsync(EndedAttempt attempt) => Written(base.EndAttemptAsync(attempt), new AttemptEnded(attempt));

    public override Task<IReadOnlyList<JobId>> CancelAsync(JobId id, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var asked = base.CancelAsync(id, now, cancellationToken);
        if (asked.IsCompletedSuccessfully)
        {
            foreach (var job in asked.Result)
                history.Add(new CancelAsked(job));
        }

        return asked;
    }

    public override Task<bool> RetryAsync(JobId id, DateTimeOffset now, CancellationToken cancellationToken) => Written(base.RetryAsync(id, now, cancellationToken), new JobRetried(id, now));

    protected override Task<T> CallAsync<T>(string call, Func<IJobStore, Task<T>> send)
    {
        history.LookAtThread();
        Assert.True(++_calls < MostCalls, "The store is asked without end.");
        var answer = send(Inner);
        // Another store's threads: nothing else happens until they are through.
        if (!answer.IsCompleted)
            ((IAsyncResult)answer).AsyncWaitHandle.WaitOne();
        return answer;
    }

    private Task<bool> Written(Task<bool> write, WorkloadEvent happened)
    {
        if (write is { IsCompletedSuccessfully: true, Result: true })
            history.Add(happened);
        return write;
    }

    private void Made(IEnumerable<NewJob> jobs)
    {
        foreach (var job in jobs)
            history.Add(new JobMade(job));
    }
}

/// <summary>
/// The way from a process to its store: slow at times; a call that is refused; one whose answer is lost, after it was carried out or before, with claims among them. What was sent is carried out whatever becomes of its sender.
/// </summary>
internal sealed class FaultyStore(IJobStore store, TimeProvider world, WorkloadProcess process, Random random) : StoreDecorator(store)
{
    /// <summary>How often something goes wrong, 0 to 1.</summary>
    public double Faults { get; set; }

    // Half of the claims go by when they were made, as those do that wait for a lock of the server or on the way there.
    public override Task<ClaimedJobs> ClaimAsync(ClaimRequest request, CancellationToken cancellationToken) => random.Next(2) == 0 ? base.ClaimAsync(request, cancellationToken)
        : base.ClaimAsync(new ClaimRequest { Worker = request.Worker, Types = request.Types, Limit = request.Limit, Now = request.Now, LeaseUntil = request.LeaseUntil }, cancellationToken);

    protected override async Task<T> CallAsync<T>(string call, Func<IJobStore, Task<T>> send)
    {
        double dice = random.NextDouble();
        bool isSlow = dice < Faults;
        var fault = random.NextDouble() < Faults ? (StoreFault)random.Next(1, 4) : StoreFault.None;
        if (isSlow)
            await Task.Delay(TimeSpan.FromMilliseconds(random.Next(1, 8_000)), world);
        if (fault == StoreFault.Refused)
            throw await FailAsync(call, "is refused", RequestOutcome.Rejected);
        if (fault == StoreFault.NotDone)
            throw await FailAsync(call, "is lost", RequestOutcome.Unknown);
        Task<T> answer = send(Inner);
        if (isSlow)
            await Task.Delay(TimeSpan.FromMilliseconds(random.Next(1, 4_000)), world);
        if (isSlow || fault != StoreFault.None)
            await process.ArriveAsync();
        return fault == StoreFault.Done ? throw await FailAsync(call, "is done and its answer is lost", RequestOutcome.Unknown) : await answer;
    }

    private async Task<HypervisorException> FailAsync(string call, string what, RequestOutcome outcome)
    {
        await process.ArriveAsync();
        return new HypervisorException($"{call} of {process.Name} {what}.", ErrorCode.Unavailable, outcome);
    }

    private enum StoreFault
    {
        None,
        Refused,
        NotDone,
        Done,
    }
}
