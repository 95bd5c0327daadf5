namespace Hypervisor.Sdk.Conformance;

/// <summary>CANC: cancelled waits and cancelled work. OPS: operations and their tokens.</summary>
internal static class OperationChecks
{
    public static IReadOnlyList<ConformanceCheck> All { get; } =
    [
        new() { Id = "CANC-01", Sentence = "A call whose token is cancelled already throws OperationCanceledException, and nothing is done.", Needs = [CheckNeed.Compute], Body = CancelledBefore },
        new() { Id = "CANC-02", Sentence = "Cancelling a wait throws OperationCanceledException with the caller's token and ends the wait, never the work.", Needs = [CheckNeed.Compute], Body = CancelledWait },
        new() { Id = "CANC-03", Sentence = "What became of a call that was cancelled midway is settled by looking its request up, and is what can be seen.", Needs = [CheckNeed.Compute, CheckNeed.Of<IRequestLog>()], Body = CancelledMidway },
        new() { Id = "CANC-04", Sentence = "Work that says it can be cancelled ends, cancelled or finished; work that says it cannot goes on to its end.", Needs = [CheckNeed.Compute], Body = CancelledWork },
        new() { Id = "OPS-01", Sentence = "The moments of an operation end with one that is not running, and say no share outside 0 to 1.", Needs = [CheckNeed.Compute], Body = MomentsEnd },
        new() { Id = "OPS-02", Sentence = "An operation that has ended says so, and is waited for again with the same result.", Needs = [CheckNeed.Compute], Body = EndIsKept },
        new() { Id = "OPS-03", Sentence = "A token is resumed by another client, under the same request, to the same end.", Needs = [CheckNeed.Compute, CheckNeed.Can(Capability.ResumableOperations), CheckNeed.Of<IOperations>()], Body = TokensAreResumed },
        new() { Id = "OPS-04", Sentence = "A token of another backend or of an unknown version is misuse.", Needs = [CheckNeed.Of<IOperations>()], Body = ForeignTokensAreMisuse },
        new() { Id = "OPS-05", Sentence = "Where operations cannot be resumed by another process, they have no token.", Needs = [CheckNeed.Compute], Body = NoTokenWithoutResuming },
        new() { Id = "OPS-06", Sentence = "An operation that failed says with which error, as its wait does.", Needs = [CheckNeed.Compute, CheckNeed.From(ConformanceAbility.DeafGuests)], Body = FailureIsSaid },
    ];

    private static async Task CancelledBefore(CheckContext c)
    {
        var made = await c.CreateAsync().ConfigureAwait(false);
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync().ConfigureAwait(false);
        await ChangingCalls.PrepareAsync(c, made.Id).ConfigureAwait(false);
        foreach (bool isRunning in new[] { true, false })
        {
            var before = isRunning ? await c.StartAsync(made.Id).ConfigureAwait(false) : await c.StopAsync(made.Id).ConfigureAwait(false);
            foreach (var call in ChangingCalls.Of(c, isRunning))
                await CancelledAsync(c, $"{call.Name} whose token is cancelled already", () => call.CallAsync(made.Id, null, cancelled.Token), null).ConfigureAwait(false);
            var after = await c.GetAsync(made.Id).ConfigureAwait(false);
            c.RequireEqual((before.State, before.Revision, before.StartedAt, before.IsTemplate), (after.State, after.Revision, after.StartedAt, after.IsTemplate), "The state, the revision, the time of the start and whether it is a template, after calls whose tokens were cancelled already");
        }

        await CancelledAsync(c, "A create whose token is cancelled already", () => c.BeginCreateAsync(c.NewSpec(), null, null, cancelled.Token), null).ConfigureAwait(false);
        await c.RequireStateAsync(made.Id, PowerState.Stopped, "after a start whose token was cancelled already").ConfigureAwait(false);
        c.RequireEqual(1, (await c.ListOwnAsync().ConfigureAwait(false)).Count, "The number of instances after a create whose token was cancelled already");
    }

    private static async Task CancelledWait(CheckContext c)
    {
        var made = await c.CreateAsync().ConfigureAwait(false);
        var start = await c.Compute.StartAsync(made.Id, null, c.Token).ConfigureAwait(false);
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync().ConfigureAwait(false);
        var progress = await start.GetProgressAsync(c.Token).ConfigureAwait(false);
        if (progress.State == OperationState.Running)
            await CancelledAsync(c, "A wait whose token is cancelled", () => start.WaitAsync(cancelled.Token), cancelled.Token, start).ConfigureAwait(false);
        c.RequireEqual(PowerState.Running, (await start.WaitAsync(c.Token).ConfigureAwait(false)).State, "The state after a start whose first wait was cancelled");
    }

    private static async Task CancelledAsync(CheckContext c, string what, Func<Task> call, CancellationToken? token, Operation? unlessEnded = null)
    {
        try
        {
            await call().ConfigureAwait(false);
        }
        catch (OperationCanceledException cancelled)
        {
            c.Require(token is null || cancelled.CancellationToken == token, $"{what} throws an OperationCanceledException that does not carry the caller's token.");
            return;
        }

        // The work may have ended between the look and the wait.
        if (unlessEnded is null || (await unlessEnded.GetProgressAsync(c.Token).ConfigureAwait(false)).State == OperationState.Running)
            c.Require(false, $"{what} does not throw an OperationCanceledException.");
    }

    private static async Task CancelledMidway(CheckContext c)
    {
        var log = c.Backend.Get<IRequestLog>();
        for (int attempt = 0; attempt < 4; attempt++)
        {
            var request = new RequestOptions { RequestId = RequestId.New() };
            var spec = c.NewSpec();
            using var cancelled = new CancellationTokenSource();
            var call = c.BeginCreateAsync(spec, request, null, cancelled.Token);
            // Sooner and later: at once, then after letting the call get a little farther each time.
            for (int i = 0; i < attempt * attempt; i++)
                await Task.Yield();
            await cancelled.CancelAsync().ConfigureAwait(false);
            try
            {
                await (await call.ConfigureAwait(false)).WaitAsync(c.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                // Whether the backend has begun is unknown now: that is what is looked up.
            }

            var found = await c.EventuallyAsync("The end of a call that was cancelled", () => log.LookUpAsync(request.RequestId.Value, c.Token), found => found.State != RequestState.Running).ConfigureAwait(false);
            int there = (await c.ListOwnAsync().ConfigureAwait(false)).Count(instance => instance.Name == spec.Name.ToString());
            c.RequireEqual(found.State == RequestState.Succeeded ? 1 : 0, there, $"The number of instances after a cancelled create that is looked up as {found.State}");
        }
    }

    private static async Task CancelledWork(CheckContext c)
    {
        var request = new RequestOptions { RequestId = RequestId.New() };
        var create = await c.BeginCreateAsync(c.NewSpec(), request).ConfigureAwait(false);
        bool willEnd = await create.TryCancelAsync(c.Token).ConfigureAwait(false);
        bool isThere;
        try
        {
            await create.WaitAsync(c.Token).ConfigureAwait(false);
            isThere = true;
        }
        catch (HypervisorException error)
        {
            c.Require(willEnd, $"Work that said it cannot be cancelled was not finished: {error.Message}");
            c.RequireEqual(ErrorCode.Cancelled, error.Code, "The code of work that was cancelled");
            isThere = false;
        }

        var end = await create.GetProgressAsync(c.Token).ConfigureAwait(false);
        c.RequireEqual(isThere ? OperationState.Succeeded : OperationState.Cancelled, end.State, "The state of the operation after the wait for it ended");
        c.RequireEqual(isThere ? 1 : 0, (await c.ListOwnAsync().ConfigureAwait(false)).Count, $"The number of instances after a create that is {end.State}");
    }

    private static async Task MomentsEnd(CheckContext c)
    {
        var create = await c.BeginCreateAsync(c.NewSpec()).ConfigureAwait(false);
        OperationProgress? last = null;
        await foreach (var moment in create.WatchAsync(c.Token).ConfigureAwait(false))
        {
            c.Require(last is null || last.State == OperationState.Running, $"A moment follows one that said {last?.State}: the last one is the only one that is not running.");
            c.Require(moment.Fraction is null or (>= 0 and <= 1), $"A moment says the share {moment.Fraction}; it is 0 to 1.");
            last = moment;
        }

        c.Require(last is not null, "An operation that is watched says no moment at all.");
        c.RequireEqual(OperationState.Succeeded, last.State, "The last moment of a create");
    }

    private static async Task EndIsKept(CheckContext c)
    {
        var create = await c.BeginCreateAsync(c.NewSpec()).ConfigureAwait(false);
        var first = await create.WaitAsync(c.Token).ConfigureAwait(false);
        var second = await create.WaitAsync(c.Token).ConfigureAwait(false);
        c.RequireEqual(first.Id, second.Id, "The instance that a second wait returned");
        c.RequireEqual(OperationState.Succeeded, (await create.GetProgressAsync(c.Token).ConfigureAwait(false)).State, "The state of an operation that has ended");
        c.Require(!await create.TryCancelAsync(c.Token).ConfigureAwait(false) || (await create.GetProgressAsync(c.Token).ConfigureAwait(false)).State == OperationState.Succeeded, "Cancelling an operation that has ended changes its end.");
    }

    private static async Task TokensAreResumed(CheckContext c)
    {
        var other = await c.ConnectAsync().ConfigureAwait(false);
        var create = await c.BeginCreateAsync(c.NewSpec()).ConfigureAwait(false);
        c.Require(create.Token is not null, "The backend says that operations can be resumed, and the operation has no token.");
        var token = OperationToken.Parse(create.Token.Value.ToString());
        c.RequireEqual(create.Token.Value, token, "A token that was printed and parsed");
        var resumed = await other.Get<IOperations>().ResumeAsync(token, c.Token).ConfigureAwait(false);
        c.Require(resumed is not null, $"Another client does not know the operation '{token}'.");
        c.RequireEqual(create.RequestId, resumed.RequestId, "The request id of a resumed operation");
        await resumed.WaitAsync(c.Token).ConfigureAwait(false);
        c.RequireEqual(OperationState.Succeeded, (await resumed.GetProgressAsync(c.Token).ConfigureAwait(false)).State, "The state of a resumed operation after its end");
        var made = await create.WaitAsync(c.Token).ConfigureAwait(false);
        if (resumed is Operation<Instance> typed)
            c.RequireEqual(made.Id, (await typed.WaitAsync(c.Token).ConfigureAwait(false)).Id, "The instance of a resumed operation");
    }

    private static async Task ForeignTokensAreMisuse(CheckContext c)
    {
        var operations = c.Backend.Get<IOperations>();
        await c.MisusedAsync("Resuming a default token", () => operations.ResumeAsync(default, c.Token)).ConfigureAwait(false);
        await c.MisusedAsync("Resuming a token of another backend", () => operations.ResumeAsync(new OperationToken(1, BackendName.Parse("another-backend"), "x"), c.Token)).ConfigureAwait(false);
        await c.MisusedAsync("Resuming a token of an unknown version", () => operations.ResumeAsync(new OperationToken(int.MaxValue, c.Backend.Name, "x"), c.Token)).ConfigureAwait(false);
    }

    private static async Task NoTokenWithoutResuming(CheckContext c)
    {
        var answer = await c.Backend.QueryAsync(Capability.ResumableOperations, default, c.Token).ConfigureAwait(false);
        if (answer.Support != CapabilitySupport.No && c.Backend.TryGet<IOperations>(out _))
            c.Skip("The backend's operations can be resumed: OPS-03 looks at their tokens.");
        c.RequireEqual(CapabilitySupport.No, answer.Support, "The answer to resumable-operations of a backend without IOperations");
        var create = await c.BeginCreateAsync(c.NewSpec()).ConfigureAwait(false);
        await create.WaitAsync(c.Token).ConfigureAwait(false);
        c.Require(create.Token is null, $"The backend says that operations cannot be resumed ({answer.Reason}), and the operation has the token '{create.Token}'.");
    }

    private static async Task FailureIsSaid(CheckContext c)
    {
        var made = await c.BeginCreateAsync(c.Target.NewDeafGuest(c.NewName())!).WaitForCompletionAsync(c.Token).ConfigureAwait(false);
        await c.StartAsync(made.Id).ConfigureAwait(false);
        var stop = await c.Compute.StopAsync(made.Id, new StopOptions { GracePeriod = TimeSpan.FromMilliseconds(100), ForceAfterGrace = false }, null, c.Token).ConfigureAwait(false);
        var error = await c.FailsAsync("A stop that the guest does not heed", () => stop.WaitAsync(c.Token), ErrorCode.Timeout).ConfigureAwait(false);
        var end = await stop.GetProgressAsync(c.Token).ConfigureAwait(false);
        c.RequireEqual(OperationState.Failed, end.State, "The state of an operation that failed");
        c.RequireEqual(error.Code, end.Error?.Code, "The code of the error that an operation says which failed");
    }
}
