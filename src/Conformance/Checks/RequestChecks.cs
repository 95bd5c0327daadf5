namespace Hypervisor.Sdk.Conformance;

/// <summary>REQ: the caller's identity of an effect. DEAD: how long it may take.</summary>
internal static class RequestChecks
{
    public static IReadOnlyList<ConformanceCheck> All { get; } =
    [
        new() { Id = "REQ-01", Sentence = "The same request id again returns the instance that it made, and makes no other.", Needs = [CheckNeed.Compute], Body = CreateOnce },
        new() { Id = "REQ-02", Sentence = "A restart repeated under its request id does not restart again.", Needs = [CheckNeed.Compute], Body = RestartOnce },
        new() { Id = "REQ-03", Sentence = "A deletion repeated under its request id succeeds.", Needs = [CheckNeed.Compute], Body = DeleteOnce },
        new() { Id = "REQ-04", Sentence = "An operation says the request id that began it; where none was given, one is made up.", Needs = [CheckNeed.Compute], Body = OperationsSayTheirRequest },
        new() { Id = "REQ-05", Sentence = "A request that succeeded is looked up as succeeded, with its instance, by another client too.", Needs = [CheckNeed.Compute, CheckNeed.Of<IRequestLog>()], Body = LookUpOfSuccess },
        new() { Id = "REQ-06", Sentence = "A request that was never sent is looked up as never seen; a default id is misuse.", Needs = [CheckNeed.Of<IRequestLog>()], Body = LookUpOfNothing },
        new() { Id = "REQ-07", Sentence = "A request that was refused is never looked up as succeeded or running.", Needs = [CheckNeed.Compute, CheckNeed.Of<IRequestLog>(), CheckNeed.Can(Capability.UniqueNames)], Body = LookUpOfRefusal },
        new() { Id = "REQ-08", Sentence = "A deletion is looked up as succeeded after its instance is gone.", Needs = [CheckNeed.Compute, CheckNeed.Of<IRequestLog>()], Body = LookUpOfDeletion },
        new() { Id = "REQ-09", Sentence = "A request whose reply was lost after the effect (a create, a start, a change, a stop, a deletion) fails with an unknown outcome, is looked up as succeeded, and repeating it does nothing anew.", Needs = [CheckNeed.Compute, CheckNeed.Of<IRequestLog>(), CheckNeed.From(ConformanceAbility.LoseReplies)], Body = c => LostReplyAsync(c, LostReply.AfterEffect) },
        new() { Id = "REQ-10", Sentence = "A request that was lost before it had an effect (a create, a start, a change, a stop, a deletion) fails with an unknown outcome, is not looked up as succeeded, and repeating it does it once.", Needs = [CheckNeed.Compute, CheckNeed.Of<IRequestLog>(), CheckNeed.From(ConformanceAbility.LoseReplies)], Body = c => LostReplyAsync(c, LostReply.BeforeEffect) },
        new() { Id = "REQ-11", Sentence = "What became of a request whose client is gone is looked up by another, and is what can be seen.", Needs = [CheckNeed.Compute, CheckNeed.Of<IRequestLog>()], Body = ClientIsGone },
        new() { Id = "REQ-12", Sentence = "A request id that was used for one effect is never taken for another.", Needs = [CheckNeed.Compute], Body = OneIdOneEffect },
        new() { Id = "REQ-13", Sentence = "A start or a stop repeated under its request id after the other was done does nothing again.", Needs = [CheckNeed.Compute], Body = PowerOnce },
        new() { Id = "REQ-14", Sentence = "A pause or a resume repeated under its request id after the other was done does nothing again.", Needs = [CheckNeed.Compute, CheckNeed.Of<IPausing>()], Body = PauseOnce },
        new() { Id = "REQ-15", Sentence = "A suspension repeated under its request id after a start does nothing again.", Needs = [CheckNeed.Compute, CheckNeed.Of<ISuspendToDisk>()], Body = SuspendOnce },
        new() { Id = "REQ-16", Sentence = "A move repeated under its request id after the instance has come back does nothing again.", Needs = [CheckNeed.Compute, CheckNeed.Of<IMigration>()], Body = MoveOnce },
        new() { Id = "REQ-17", Sentence = "Going back to a snapshot, or deleting one, repeated under its request id after something else was done, does nothing again.", Needs = [CheckNeed.Compute, CheckNeed.Of<ISnapshots>()], Body = SnapshotsOnce },
        new() { Id = "REQ-18", Sentence = "Making a template, or an instance of one, repeated under its request id after the other was done, does nothing again.", Needs = [CheckNeed.Compute, CheckNeed.Of<ITemplates>()], Body = TemplatesOnce },
        new() { Id = "REQ-19", Sentence = "Every call that changes something is looked up as succeeded once it has, and as one about no other instance.", Needs = [CheckNeed.Compute, CheckNeed.Of<IRequestLog>()], Body = EveryCallIsLookedUp },
        new() { Id = "DEAD-01", Sentence = "Work that does not end within its deadline, a stop or a restart that waits for the guest, fails (timeout), soon after it.", Needs = [CheckNeed.Compute, CheckNeed.From(ConformanceAbility.DeafGuests)], Deadline = s_soonAfter, Body = DeadlineEndsWork },
        new() { Id = "DEAD-02", Sentence = "A deadline that is long enough changes nothing.", Needs = [CheckNeed.Compute], Body = LongDeadlineChangesNothing },
        new() { Id = "DEAD-03", Sentence = "An instance that does not answer stalls neither a list nor a call beyond its deadline.", Needs = [CheckNeed.Compute, CheckNeed.From(ConformanceAbility.FreezeGuests)], Deadline = TimeSpan.FromSeconds(90), Body = FrozenGuestStallsNobody },
        new() { Id = "DEAD-04", Sentence = "A call for an instance that somebody else has to himself is done, or fails within its deadline (timeout or locked); where it says that nothing happened, nothing has.", Needs = [CheckNeed.Compute, CheckNeed.From(ConformanceAbility.DeafGuests)], Deadline = TimeSpan.FromSeconds(30), Body = DeadlinesWhileLocked },
    ];

    /// <summary>Beside deadlines of less than a second: what has not failed by then counts as hanging.</summary>
    private static TimeSpan s_soonAfter => TimeSpan.FromSeconds(15);

    private static async Task CreateOnce(CheckContext c)
    {
        var request = new RequestOptions { RequestId = RequestId.New() };
        var spec = c.NewSpec();
        var first = await c.BeginCreateAsync(spec, request).WaitForCompletionAsync(c.Token).ConfigureAwait(false);
        var second = await c.BeginCreateAsync(spec, request).WaitForCompletionAsync(c.Token).ConfigureAwait(false);
        c.RequireEqual(first.Id, second.Id, "The instance that a repeated create returned");
        c.RequireEqual(first.Incarnation, second.Incarnation, "The incarnation that a repeated create returned");
        c.RequireEqual(1, (await c.ListOwnAsync().ConfigureAwait(false)).Count, "The number of instances after a repeated create");
    }

    private static async Task RestartOnce(CheckContext c)
    {
        var running = await c.CreateRunningAsync().ConfigureAwait(false);
        var request = new RequestOptions { RequestId = RequestId.New() };
        await c.RestartAsync(running.Id, request).ConfigureAwait(false);
        var subscription = await c.Compute.WatchAsync(null, c.Token).ConfigureAwait(false);
        await using (((IAsyncDisposable)subscription).ConfigureAwait(false))
        {
            await c.RestartAsync(running.Id, request).ConfigureAwait(false);
            await c.DeleteAsync(running.Id, stopFirst: true).ConfigureAwait(false);
            var seen = await EventChecks.UntilAsync(c, subscription, "the deletion", next => next is InstanceDeleted deleted && deleted.Id == running.Id).ConfigureAwait(false);
            var states = seen.OfType<InstanceStateChanged>().Where(changed => changed.Id == running.Id).Select(changed => changed.To).ToList();
            c.Require(!states.Contains(PowerState.Running) && !states.Contains(PowerState.Starting), $"A restart that was repeated under its request id restarted again: until the deletion after it the states were {CheckContext.Print(states.Select(state => state.ToString()))}.");
        }
    }

    private static async Task DeleteOnce(CheckContext c)
    {
        var made = await c.CreateAsync().ConfigureAwait(false);
        var request = new RequestOptions { RequestId = RequestId.New() };
        await c.DeleteAsync(made.Id, request: request).ConfigureAwait(false);
        await c.DeleteAsync(made.Id, request: request).ConfigureAwait(false);
    }

    private static async Task OperationsSayTheirRequest(CheckContext c)
    {
        var id = RequestId.New();
        var create = await c.BeginCreateAsync(c.NewSpec(), new RequestOptions { RequestId = id }).ConfigureAwait(false);
        c.RequireEqual(id, create.RequestId, "The request id of an operation");
        var made = await create.WaitAsync(c.Token).ConfigureAwait(false);
        var start = await c.Compute.StartAsync(made.Id, null, c.Token).ConfigureAwait(false);
        c.Require(!start.RequestId.IsDefault && start.RequestId != id, $"An operation that was begun without a request id says '{start.RequestId}': it must be a new one.");
        await start.WaitAsync(c.Token).ConfigureAwait(false);
    }

    private static async Task LookUpOfSuccess(CheckContext c)
    {
        var request = new RequestOptions { RequestId = RequestId.New() };
        var made = await c.CreateAsync(request: request).ConfigureAwait(false);
        var other = await c.ConnectAsync().ConfigureAwait(false);
        foreach (var client in new[] { c.Backend, other })
        {
            var found = await client.Get<IRequestLog>().LookUpAsync(request.RequestId.Value, c.Token).ConfigureAwait(false);
            c.RequireEqual(RequestState.Succeeded, found.State, "The state of a request that succeeded");
            c.RequireEqual(made.Id, found.Instance, "The instance of a request that made one");
        }
    }

    private static async Task LookUpOfNothing(CheckContext c)
    {
        var log = c.Backend.Get<IRequestLog>();
        c.RequireEqual(RequestState.NeverSeen, (await log.LookUpAsync(RequestId.New(), c.Token).ConfigureAwait(false)).State, "The state of a request that was never sent");
        await c.MisusedAsync("Looking up a default request id", () => log.LookUpAsync(default, c.Token)).ConfigureAwait(false);
    }

    private static async Task LookUpOfRefusal(CheckContext c)
    {
        var first = await c.CreateAsync().ConfigureAwait(false);
        var request = new RequestOptions { RequestId = RequestId.New() };
        await c.RefusedAsync("Creating a second instance of the same name", () => c.CreateAsync(spec => spec.Name = InstanceName.Parse(first.Name), request), ErrorCode.AlreadyExists).ConfigureAwait(false);
        var found = await c.Backend.Get<IRequestLog>().LookUpAsync(request.RequestId.Value, c.Token).ConfigureAwait(false);
        c.Require(found.State is RequestState.NeverSeen or RequestState.Failed, $"A request that was refused is looked up as {found.State}; it must be NeverSeen or Failed.");
    }

    private static async Task EveryCallIsLookedUp(CheckContext c)
    {
        var log = c.Backend.Get<IRequestLog>();
        foreach (var call in ChangingCalls.All(c))
        {
            var made = await c.CreateAsync().ConfigureAwait(false);
            await ChangingCalls.PrepareAsync(c, made.Id).ConfigureAwait(false);
            if (call.NeedsRunning)
                await c.StartAsync(made.Id).ConfigureAwait(false);
            var request = new RequestOptions { RequestId = RequestId.New() };
            await call.CallAsync(made.Id, request, c.Token).ConfigureAwait(false);
            var found = await log.LookUpAsync(request.RequestId.Value, c.Token).ConfigureAwait(false);
            c.RequireEqual(RequestState.Succeeded, found.State, $"The state of a request that succeeded ({call.Name})");
            c.Require(call.MakesAnother || found.Instance is null || found.Instance == made.Id, $"A request about '{made.Id}' ({call.Name}) is looked up as one about '{found.Instance}'.");
            if (await c.Compute.FindAsync(made.Id, c.Token).ConfigureAwait(false) is not null && !call.MakesAnother)
                await c.DeleteAsync(made.Id, stopFirst: true).ConfigureAwait(false);
        }
    }

    private static async Task LookUpOfDeletion(CheckContext c)
    {
        var made = await c.CreateAsync().ConfigureAwait(false);
        var request = new RequestOptions { RequestId = RequestId.New() };
        await c.DeleteAsync(made.Id, request: request).ConfigureAwait(false);
        c.RequireEqual(RequestState.Succeeded, (await c.Backend.Get<IRequestLog>().LookUpAsync(request.RequestId.Value, c.Token).ConfigureAwait(false)).State, "The state of a deletion that succeeded");
    }

    private static async Task LostReplyAsync(CheckContext c, LostReply when)
    {
        var client = await c.ConnectDisturbedAsync().ConfigureAwait(false);
        var compute = c.ComputeOf(client);
        var spec = c.NewSpec();
        Instance? made = null;
        await LoseAsync(c, when, "A create", async (request, isDisturbed) => made = await c.BeginCreateAsync(spec, request, isDisturbed ? client : null).WaitForCompletionAsync(c.Token).ConfigureAwait(false), async () => (await c.ListOwnAsync().ConfigureAwait(false)).Count == 1).ConfigureAwait(false);
        var id = made!.Id;
        await LoseAsync(c, when, "A start", (request, isDisturbed) => Of(isDisturbed).StartAsync(id, request, c.Token).WaitForCompletionAsync(c.Token), () => IsAsync(instance => instance?.State == PowerState.Running)).ConfigureAwait(false);
        var plan = await c.Compute.PlanAsync(id, new InstanceChange { Description = "lost" }, c.Token).ConfigureAwait(false);
        await LoseAsync(c, when, "A change", (request, isDisturbed) => Of(isDisturbed).ApplyAsync(plan, new ApplyOptions { Accept = plan.Effects }, request, c.Token).WaitForCompletionAsync(c.Token), () => IsAsync(instance => instance?.Description == "lost")).ConfigureAwait(false);
        await LoseAsync(c, when, "A stop", (request, isDisturbed) => Of(isDisturbed).StopAsync(id, CheckContext.AtOnce, request, c.Token).WaitForCompletionAsync(c.Token), () => IsAsync(instance => instance?.State == PowerState.Stopped)).ConfigureAwait(false);
        await LoseAsync(c, when, "A deletion", (request, isDisturbed) => Of(isDisturbed).DeleteAsync(id, null, request, c.Token).WaitForCompletionAsync(c.Token), () => IsAsync(instance => instance is null)).ConfigureAwait(false);

        ICompute Of(bool isDisturbed) => isDisturbed ? compute : c.Compute;

        async Task<bool> IsAsync(Func<Instance?, bool> isIt) => isIt(await c.Compute.FindAsync(id, c.Token).ConfigureAwait(false));
    }

    /// <summary>Loses the reply to a call, looks the request up, and repeats it.</summary>
    private static async Task LoseAsync(CheckContext c, LostReply when, string what, Func<RequestOptions, bool, Task> call, Func<Task<bool>> isDone)
    {
        var request = new RequestOptions { RequestId = RequestId.New() };
        c.Require(!await isDone().ConfigureAwait(false), $"{what} is done before it is sent.");
        c.Target.Connection!.LoseNextReply(when);
        var error = await c.FailsAsync($"{what} whose reply is lost", () => call(request, true)).ConfigureAwait(false);
        c.RequireEqual(RequestOutcome.Unknown, error.Outcome, $"The outcome of '{what}' whose reply is lost (code '{error.Code}')");
        var found = await c.EventuallyAsync("The end of a request whose reply was lost", () => c.Backend.Get<IRequestLog>().LookUpAsync(request.RequestId.Value, c.Token), found => found.State != RequestState.Running).ConfigureAwait(false);
        c.RequireEqual(when == LostReply.AfterEffect, found.State == RequestState.Succeeded, $"That '{what}' is looked up as succeeded whose reply was lost {(when == LostReply.AfterEffect ? "after" : "before")} its effect");
        c.RequireEqual(when == LostReply.AfterEffect, await isDone().ConfigureAwait(false), $"That '{what}' is done whose reply was lost {(when == LostReply.AfterEffect ? "after" : "before")} its effect");
        await call(request, false).ConfigureAwait(false);
        c.Require(await isDone().ConfigureAwait(false), $"{what} that was repeated under its request id is not done.");
    }

    private static async Task ClientIsGone(CheckContext c)
    {
        var client = await c.Target.ConnectAsync(c.Backend.Name, c.Token).ConfigureAwait(false);
        var request = new RequestOptions { RequestId = RequestId.New() };
        try
        {
            // Begun, and not waited for: the client is gone before it could hear.
            await c.BeginCreateAsync(c.NewSpec(), request, client).ConfigureAwait(false);
        }
        finally
        {
            await client.DisposeAsync().ConfigureAwait(false);
        }

        var other = await c.ConnectAsync().ConfigureAwait(false);
        var found = await c.EventuallyAsync("The end of a request whose client is gone", () => other.Get<IRequestLog>().LookUpAsync(request.RequestId.Value, c.Token), found => found.State != RequestState.Running).ConfigureAwait(false);
        c.Require(found.State is RequestState.Succeeded or RequestState.Failed, $"A request that was accepted before its client was gone is looked up as {found.State}; it must be Succeeded or Failed.");
        c.RequireEqual(found.State == RequestState.Succeeded ? 1 : 0, (await c.ListOwnAsync().ConfigureAwait(false)).Count, $"The number of instances after the request is looked up as {found.State}");
    }

    private static async Task OneIdOneEffect(CheckContext c)
    {
        var request = new RequestOptions { RequestId = RequestId.New() };
        var made = await c.CreateAsync(request: request).ConfigureAwait(false);
        await c.RefusedAsync("Starting under the request id of the create", () => c.StartAsync(made.Id, request), ErrorCode.Conflict, ErrorCode.InvalidArgument).ConfigureAwait(false);
        await c.RequireStateAsync(made.Id, PowerState.Stopped, "after a start under the request id of the create").ConfigureAwait(false);
    }

    /// <summary>Whether a change has to wait; asked a few times, because what was accepted a moment ago may not have begun.</summary>
    private static async Task<bool> IsLockedAsync(CheckContext c, InstanceId id)
    {
        for (int i = 0; i < 5; i++)
        {
            try
            {
                await c.ChangeAsync(id, change => change.Labels["turn"] = FormattableString.Invariant($"{i}"), new RequestOptions { Deadline = TimeSpan.FromMilliseconds(200) }).ConfigureAwait(false);
            }
            catch (HypervisorException error) when (error.Code == ErrorCode.Timeout || error.Code == ErrorCode.Locked)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Does something, undoes it, does it again under its request id, and requires that it stays undone.</summary>
    private static async Task OnceAsync(CheckContext c, string what, Func<RequestOptions, Task> effect, Func<Task> undo, Func<Task<string>> state)
    {
        var request = new RequestOptions { RequestId = RequestId.New() };
        await effect(request).ConfigureAwait(false);
        string done = await state().ConfigureAwait(false);
        await undo().ConfigureAwait(false);
        string undone = await state().ConfigureAwait(false);
        c.Require(done != undone, $"{what} has no effect that could be seen: it is {done} after it, and after its opposite.");
        await effect(request).ConfigureAwait(false);
        c.RequireEqual(undone, await state().ConfigureAwait(false), $"What can be seen after '{what}' was repeated under its request id");
    }

    private static async Task<string> StateAsync(CheckContext c, InstanceId id)
    {
        var instance = await c.GetAsync(id).ConfigureAwait(false);
        return instance.IsTemplate ? "template" : instance.State.ToString();
    }

    private static async Task PowerOnce(CheckContext c)
    {
        var id = (await c.CreateAsync().ConfigureAwait(false)).Id;
        await OnceAsync(c, "a start", request => c.StartAsync(id, request), () => c.StopAsync(id), () => StateAsync(c, id)).ConfigureAwait(false);
        await c.StartAsync(id).ConfigureAwait(false);
        await OnceAsync(c, "a stop", request => c.StopAsync(id, request), () => c.StartAsync(id), () => StateAsync(c, id)).ConfigureAwait(false);
    }

    private static async Task PauseOnce(CheckContext c)
    {
        var pausing = c.Backend.Get<IPausing>();
        var id = (await c.CreateRunningAsync().ConfigureAwait(false)).Id;
        await OnceAsync(c, "a pause", request => PauseAsync(request), () => ResumeAsync(null), () => StateAsync(c, id)).ConfigureAwait(false);
        await PauseAsync(null).ConfigureAwait(false);
        await OnceAsync(c, "a resume", request => ResumeAsync(request), () => PauseAsync(null), () => StateAsync(c, id)).ConfigureAwait(false);

        Task PauseAsync(RequestOptions? request) => pausing.PauseAsync(id, request, c.Token).WaitForCompletionAsync(c.Token);

        Task ResumeAsync(RequestOptions? request) => pausing.ResumeAsync(id, request, c.Token).WaitForCompletionAsync(c.Token);
    }

    private static async Task SuspendOnce(CheckContext c)
    {
        var suspending = c.Backend.Get<ISuspendToDisk>();
        var id = (await c.CreateRunningAsync().ConfigureAwait(false)).Id;
        await OnceAsync(c, "a suspension", request => suspending.SuspendAsync(id, request, c.Token).WaitForCompletionAsync(c.Token), () => c.StartAsync(id), () => StateAsync(c, id)).ConfigureAwait(false);
    }

    private static async Task MoveOnce(CheckContext c)
    {
        var migration = c.Backend.Get<IMigration>();
        var spec = c.Target.NewInstanceFor(Capability.LiveMigration, c.NewName()) ?? throw new CheckSkippedException("The target has no instance that could be moved.");
        var running = await c.StartAsync((await c.BeginCreateAsync(spec).WaitForCompletionAsync(c.Token).ConfigureAwait(false)).Id).ConfigureAwait(false);
        if (await CapabilityChecks.OtherNodeAsync(c, running).ConfigureAwait(false) is not { } other)
            throw new CheckSkippedException("There is no other node to move to and to come back from.");
        await OnceAsync(c, "a move", request => MoveAsync(other, request), () => MoveAsync(running.Node!.Value, null), async () => (await c.GetAsync(running.Id).ConfigureAwait(false)).Node.ToString()!).ConfigureAwait(false);

        Task MoveAsync(NodeName node, RequestOptions? request) => migration.MigrateAsync(running.Id, new MigrationTarget { Node = node }, null, request, c.Token).WaitForCompletionAsync(c.Token);
    }

    private static async Task SnapshotsOnce(CheckContext c)
    {
        var snapshots = c.Backend.Get<ISnapshots>();
        var (a, b) = (SnapshotName.Parse("a"), SnapshotName.Parse("b"));
        var id = (await c.CreateAsync().ConfigureAwait(false)).Id;
        await TakeAsync(a).ConfigureAwait(false);
        await TakeAsync(b).ConfigureAwait(false);
        await OnceAsync(c, "going back to a snapshot", request => RevertAsync(a, request), () => RevertAsync(b, null), TreeAsync).ConfigureAwait(false);
        await OnceAsync(c, "deleting a snapshot", request => snapshots.DeleteAsync(id, b, request, c.Token).WaitForCompletionAsync(c.Token), () => TakeAsync(b), TreeAsync).ConfigureAwait(false);

        Task TakeAsync(SnapshotName name) => snapshots.CreateAsync(id, new SnapshotSpec { Name = name }, null, c.Token).WaitForCompletionAsync(c.Token);

        Task RevertAsync(SnapshotName name, RequestOptions? request) => snapshots.RevertAsync(id, name, request, c.Token).WaitForCompletionAsync(c.Token);

        async Task<string> TreeAsync()
        {
            var all = new List<string>();
            await foreach (var snapshot in snapshots.ListAsync(id, c.Token).ConfigureAwait(false))
                all.Add($"{snapshot.Name}{(snapshot.IsCurrent ? "*" : "")}");
            return string.Join(", ", all);
        }
    }

    private static async Task TemplatesOnce(CheckContext c)
    {
        var templates = c.Backend.Get<ITemplates>();
        var id = (await c.CreateAsync().ConfigureAwait(false)).Id;
        await OnceAsync(c, "making a template", ToTemplateAsync, () => ToInstanceAsync(null), () => StateAsync(c, id)).ConfigureAwait(false);
        await ToTemplateAsync(null).ConfigureAwait(false);
        await OnceAsync(c, "making an instance", ToInstanceAsync, () => ToTemplateAsync(null), () => StateAsync(c, id)).ConfigureAwait(false);

        Task ToTemplateAsync(RequestOptions? request) => templates.ConvertToTemplateAsync(id, request, c.Token).WaitForCompletionAsync(c.Token);

        Task ToInstanceAsync(RequestOptions? request) => templates.ConvertToInstanceAsync(id, request, c.Token).WaitForCompletionAsync(c.Token);
    }

    private static async Task<Instance> CreateDeafAsync(CheckContext c)
    {
        var made = await c.BeginCreateAsync(c.Target.NewDeafGuest(c.NewName())!).WaitForCompletionAsync(c.Token).ConfigureAwait(false);
        return await c.StartAsync(made.Id).ConfigureAwait(false);
    }

    private static async Task DeadlineEndsWork(CheckContext c)
    {
        var made = await CreateDeafAsync(c).ConfigureAwait(false);
        var patient = new StopOptions { GracePeriod = TimeSpan.FromHours(1) };
        var hasty = new RequestOptions { Deadline = TimeSpan.FromMilliseconds(300) };
        foreach (var (what, call) in new (string, Func<Task>)[]
        {
            ("stop", () => c.Compute.StopAsync(made.Id, patient, hasty, c.Token).WaitForCompletionAsync(c.Token)),
            ("restart", () => c.Compute.RestartAsync(made.Id, patient, hasty, c.Token).WaitForCompletionAsync(c.Token)),
        })
        {
            var error = await c.FailsAsync($"A {what} that takes an hour, with a deadline of 300 ms,", call, ErrorCode.Timeout).ConfigureAwait(false);
            var state = (await c.GetAsync(made.Id).ConfigureAwait(false)).State;
            c.Require(error.Outcome is RequestOutcome.Unknown or RequestOutcome.FailedMidway || state == PowerState.Running, $"A {what} that ran out of its deadline says that nothing happened ({error.Outcome}); the instance is {state}.");
        }
    }

    private static async Task DeadlinesWhileLocked(CheckContext c)
    {
        var running = await CreateDeafAsync(c).ConfigureAwait(false);
        // An hour, and then it is left running: whoever comes meanwhile has to wait.
        var stop = await c.Compute.StopAsync(running.Id, new StopOptions { GracePeriod = TimeSpan.FromHours(1), ForceAfterGrace = false }, new RequestOptions { Deadline = TimeSpan.FromHours(2) }, c.Token).ConfigureAwait(false);
        c.Afterwards(token => stop.TryCancelAsync(token));
        if (!await IsLockedAsync(c, running.Id).ConfigureAwait(false))
            c.Skip("An instance that is being stopped can be changed meanwhile: nobody has it to himself.");
        running = await c.GetAsync(running.Id).ConfigureAwait(false);
        var outcomes = await Task.WhenAll(ChangingCalls.Of(c, isRunning: true).Select(async call =>
        {
            try
            {
                await call.CallAsync(running.Id, new RequestOptions { Deadline = TimeSpan.FromMilliseconds(200) }, c.Token).ConfigureAwait(false);
                return (call.Name, Error: (HypervisorException?)null);
            }
            catch (HypervisorException error)
            {
                return (call.Name, Error: (HypervisorException?)error);
            }
        })).ConfigureAwait(false);
        foreach (var (name, error) in outcomes)
            c.Require(error is null || error.Code == ErrorCode.Timeout || error.Code == ErrorCode.Locked, $"{name} with a deadline of 200 ms, while somebody else has the instance to himself, fails with '{error?.Code}'; it must be timeout or locked. The message was: {error?.Message}");
        await stop.TryCancelAsync(c.Token).ConfigureAwait(false);
        if (outcomes.Any(outcome => outcome.Error is not { Outcome: RequestOutcome.NotSent or RequestOutcome.Rejected }))
            return;
        var after = await c.GetAsync(running.Id).ConfigureAwait(false);
        c.RequireEqual((PowerState.Running, running.Revision, running.StartedAt), (after.State, after.Revision, after.StartedAt), "The state, the revision and the time of the start after calls that said that nothing happened");
    }

    private static async Task LongDeadlineChangesNothing(CheckContext c)
    {
        var generous = new RequestOptions { Deadline = TimeSpan.FromMinutes(10) };
        var made = await c.CreateAsync(request: generous).ConfigureAwait(false);
        c.RequireEqual(PowerState.Running, (await c.StartAsync(made.Id, generous).ConfigureAwait(false)).State, "The state after a start with a deadline of ten minutes");
    }

    private static async Task FrozenGuestStallsNobody(CheckContext c)
    {
        var guests = c.Target.Guests!;
        var frozen = await c.CreateRunningAsync().ConfigureAwait(false);
        var healthy = await c.CreateAsync().ConfigureAwait(false);
        c.Afterwards(token => guests.ThawAsync(frozen.Id, token));
        await guests.FreezeAsync!(frozen.Id, c.Token).ConfigureAwait(false);
        c.RequireEqual(2, (await c.ListOwnAsync().ConfigureAwait(false)).Count, "The number of instances that are listed while one does not answer");
        if (c.Backend.TryGet<IReset>(out var reset))
        {
            var error = await c.FailsAsync("Resetting an instance that does not answer, with a deadline of 2 s,", () => reset.ResetAsync(frozen.Id, new RequestOptions { Deadline = TimeSpan.FromSeconds(2) }, c.Token).WaitForCompletionAsync(c.Token), ErrorCode.Timeout, ErrorCode.Unavailable).ConfigureAwait(false);
            c.Require(error.Code != ErrorCode.Timeout || error.Outcome is not RequestOutcome.NotSent || error.IsTransient, "A timeout that reached nobody is transient.");
        }

        c.RequireEqual(PowerState.Running, (await c.StartAsync(healthy.Id).ConfigureAwait(false)).State, "The state of another instance that is started meanwhile");
    }
}
