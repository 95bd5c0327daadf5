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
        new() { Id = "REQ-09", Sentence = "A request whose reply was lost after the effect fails with an unknown outcome, is looked up as succeeded, and repeating it makes nothing anew.", Needs = [CheckNeed.Compute, CheckNeed.Of<IRequestLog>(), CheckNeed.From(ConformanceAbility.LoseReplies)], Body = c => LostReplyAsync(c, LostReply.AfterEffect) },
        new() { Id = "REQ-10", Sentence = "A request that was lost before it had an effect is not looked up as succeeded, and repeating it makes it once.", Needs = [CheckNeed.Compute, CheckNeed.Of<IRequestLog>(), CheckNeed.From(ConformanceAbility.LoseReplies)], Body = c => LostReplyAsync(c, LostReply.BeforeEffect) },
        new() { Id = "REQ-11", Sentence = "What became of a request whose client is gone is looked up by another, and is what can be seen.", Needs = [CheckNeed.Compute, CheckNeed.Of<IRequestLog>()], Body = ClientIsGone },
        new() { Id = "REQ-12", Sentence = "A request id that was used for one effect is never taken for another.", Needs = [CheckNeed.Compute], Body = OneIdOneEffect },
        new() { Id = "DEAD-01", Sentence = "Work that does not end within its deadline fails (timeout), soon after it.", Needs = [CheckNeed.Compute, CheckNeed.From(ConformanceAbility.DeafGuests)], Body = DeadlineEndsWork },
        new() { Id = "DEAD-02", Sentence = "A deadline that is long enough changes nothing.", Needs = [CheckNeed.Compute], Body = LongDeadlineChangesNothing },
        new() { Id = "DEAD-03", Sentence = "An instance that does not answer stalls neither a list nor a call beyond its deadline.", Needs = [CheckNeed.Compute, CheckNeed.From(ConformanceAbility.FreezeGuests)], Deadline = TimeSpan.FromSeconds(90), Body = FrozenGuestStallsNobody },
    ];

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
        var request = new RequestOptions { RequestId = RequestId.New() };
        var spec = c.NewSpec();
        c.Target.Connection!.LoseNextReply(when);
        var error = await c.FailsAsync("A create whose reply is lost", () => c.BeginCreateAsync(spec, request, client).WaitForCompletionAsync(c.Token)).ConfigureAwait(false);
        c.RequireEqual(RequestOutcome.Unknown, error.Outcome, $"The outcome of a create whose reply is lost (code '{error.Code}')");
        var found = await c.EventuallyAsync("The end of a request whose reply was lost", () => c.Backend.Get<IRequestLog>().LookUpAsync(request.RequestId.Value, c.Token), found => found.State != RequestState.Running).ConfigureAwait(false);
        c.RequireEqual(when == LostReply.AfterEffect, found.State == RequestState.Succeeded, $"That a request is looked up as succeeded whose reply was lost {(when == LostReply.AfterEffect ? "after" : "before")} its effect");
        var made = await c.BeginCreateAsync(spec, request).WaitForCompletionAsync(c.Token).ConfigureAwait(false);
        if (when == LostReply.AfterEffect)
            c.RequireEqual(found.Instance, made.Id, "The instance that repeating the request returned");
        c.RequireEqual(1, (await c.ListOwnAsync().ConfigureAwait(false)).Count, "The number of instances after the request was repeated");
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

    private static async Task DeadlineEndsWork(CheckContext c)
    {
        var made = await c.BeginCreateAsync(c.Target.NewDeafGuest(c.NewName())!).WaitForCompletionAsync(c.Token).ConfigureAwait(false);
        await c.StartAsync(made.Id).ConfigureAwait(false);
        var patient = new StopOptions { GracePeriod = TimeSpan.FromHours(1) };
        var error = await c.FailsAsync("A stop that takes an hour, with a deadline of 300 ms,", () => c.Compute.StopAsync(made.Id, patient, new RequestOptions { Deadline = TimeSpan.FromMilliseconds(300) }, c.Token).WaitForCompletionAsync(c.Token), ErrorCode.Timeout).ConfigureAwait(false);
        var state = (await c.GetAsync(made.Id).ConfigureAwait(false)).State;
        c.Require(error.Outcome is RequestOutcome.Unknown or RequestOutcome.FailedMidway || state == PowerState.Running, $"A stop that ran out of its deadline says that nothing happened ({error.Outcome}); the instance is {state}.");
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
