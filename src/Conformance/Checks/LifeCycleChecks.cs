namespace Hypervisor.Sdk.Conformance;

/// <summary>LIFE: the life of an instance, with the transitions that are legal and those that are not.</summary>
internal static class LifeCycleChecks
{
    public static IReadOnlyList<ConformanceCheck> All { get; } =
    [
        new() { Id = "LIFE-01", Sentence = "A created instance is stopped, and is what was asked for.", Needs = [CheckNeed.Compute], Body = CreateLeavesItStopped },
        new() { Id = "LIFE-02", Sentence = "Starting boots a stopped instance.", Needs = [CheckNeed.Compute], Body = StartBoots },
        new() { Id = "LIFE-03", Sentence = "Starting an instance that runs succeeds and does nothing.", Needs = [CheckNeed.Compute], Body = StartAgainDoesNothing },
        new() { Id = "LIFE-04", Sentence = "Stopping without a grace period switches a running instance off.", Needs = [CheckNeed.Compute], Body = StopSwitchesOff },
        new() { Id = "LIFE-05", Sentence = "Stopping an instance that is stopped succeeds and does nothing.", Needs = [CheckNeed.Compute], Body = StopAgainDoesNothing },
        new() { Id = "LIFE-06", Sentence = "A restart stops an instance and starts it anew.", Needs = [CheckNeed.Compute], Body = RestartStartsAnew },
        new() { Id = "LIFE-07", Sentence = "A deleted instance is neither found nor listed.", Needs = [CheckNeed.Compute], Body = DeleteRemoves },
        new() { Id = "LIFE-08", Sentence = "Deleting a running instance is refused (invalid-state), and it runs on.", Needs = [CheckNeed.Compute], Body = DeleteOfRunningIsRefused },
        new() { Id = "LIFE-09", Sentence = "Deleting a running instance after stopping it is done when it is asked for.", Needs = [CheckNeed.Compute], Body = DeleteStopsFirst },
        new() { Id = "LIFE-10", Sentence = "Every call for an instance that is not there is refused (not-found), and finding it gives nothing.", Needs = [CheckNeed.Compute], Body = UnknownIsNotFound },
        new() { Id = "LIFE-11", Sentence = "A call with a default id, spec or plan is misuse.", Needs = [CheckNeed.Compute], Body = DefaultIsMisuse },
        new() { Id = "LIFE-12", Sentence = "A second instance of a name that is taken is refused (already-exists), and the first stays as it is.", Needs = [CheckNeed.Compute, CheckNeed.Can(Capability.UniqueNames)], Body = NamesAreUnique },
        new() { Id = "LIFE-13", Sentence = "An instance that is made under the name of a deleted one has another incarnation.", Needs = [CheckNeed.Compute], Body = IncarnationsDiffer },
        new() { Id = "LIFE-14", Sentence = "Whatever is asked for an incarnation that the id no longer addresses is refused (conflict) and not done, by every call that changes something; for the one that is there it is done.", Needs = [CheckNeed.Compute], Body = IncarnationGuards },
        new() { Id = "LIFE-15", Sentence = "Pausing holds a running instance and resuming lets it go; doing either twice is the same as once.", Needs = [CheckNeed.Compute, CheckNeed.Of<IPausing>()], Body = PauseAndResume },
        new() { Id = "LIFE-16", Sentence = "Pausing or resuming a stopped instance is refused (invalid-state).", Needs = [CheckNeed.Compute, CheckNeed.Of<IPausing>()], Body = PauseOfStoppedIsRefused },
        new() { Id = "LIFE-17", Sentence = "Starting a paused instance is refused (invalid-state): it is resumed.", Needs = [CheckNeed.Compute, CheckNeed.Of<IPausing>()], Body = StartOfPausedIsRefused },
        new() { Id = "LIFE-18", Sentence = "A paused instance is switched off by a stop, and not deleted without one.", Needs = [CheckNeed.Compute, CheckNeed.Of<IPausing>()], Body = StopOfPaused },
        new() { Id = "LIFE-19", Sentence = "A reset leaves a running instance running; of a stopped one it is refused (invalid-state).", Needs = [CheckNeed.Compute, CheckNeed.Of<IReset>()], Body = Reset },
        new() { Id = "LIFE-20", Sentence = "A suspended instance goes on by a start; suspending a stopped one is refused (invalid-state).", Needs = [CheckNeed.Compute, CheckNeed.Of<ISuspendToDisk>()], Body = Suspend },
        new() { Id = "LIFE-21", Sentence = "A guest that ends by itself leaves its instance crashed with a reason, and a start boots it again.", Needs = [CheckNeed.Compute, CheckNeed.From(ConformanceAbility.CrashGuests)], Body = CrashIsSeen },
        new() { Id = "LIFE-22", Sentence = "A guest that does not heed the power button runs on after the grace period (timeout), where it is not to be forced off.", Needs = [CheckNeed.Compute, CheckNeed.From(ConformanceAbility.DeafGuests)], Body = DeafGuestRunsOn },
        new() { Id = "LIFE-23", Sentence = "A guest that does not heed the power button is switched off after the grace period, where that is asked for.", Needs = [CheckNeed.Compute, CheckNeed.From(ConformanceAbility.DeafGuests)], Body = DeafGuestIsForced },
        new() { Id = "LIFE-24", Sentence = "Restarting a stopped instance starts it.", Needs = [CheckNeed.Compute], Body = RestartOfStoppedStarts },
        new() { Id = "LIFE-25", Sentence = "A negative grace period is misuse.", Needs = [CheckNeed.Compute], Body = NegativeGraceIsMisuse },
    ];

    private static async Task CreateLeavesItStopped(CheckContext c)
    {
        var spec = c.NewSpec(spec =>
        {
            spec.Description = "made by the conformance kit";
            spec.Labels["conformance"] = "LIFE-01";
        });
        var made = await c.BeginCreateAsync(spec).WaitForCompletionAsync(c.Token).ConfigureAwait(false);
        foreach (var (seen, by) in new[] { (made, "the create"), (await c.GetAsync(made.Id).ConfigureAwait(false), "a find") })
        {
            c.RequireEqual(PowerState.Stopped, seen.State, $"The state of a created instance, by {by},");
            c.RequireEqual(spec.Name.ToString(), seen.Name, $"The name, by {by},");
            c.RequireEqual(spec is ContainerSpec ? InstanceKind.Container : InstanceKind.VirtualMachine, seen.Kind, $"The kind, by {by},");
            c.RequireEqual(spec.Description, seen.Description, $"The description, by {by},");
            c.RequireEqual("LIFE-01", seen.Labels.GetValueOrDefault("conformance"), $"The label 'conformance', by {by},");
            c.Require(!seen.Incarnation.IsDefault && !seen.Revision.IsDefault, $"The incarnation or the revision is missing, by {by}.");
            if (spec is VirtualMachineSpec { Sizing: Sizing.Explicit size })
            {
                c.RequireEqual(size.Memory, seen.Memory, $"The memory, by {by},");
                c.RequireEqual(size.Cpus, seen.Cpus, $"The number of CPUs, by {by},");
            }

            if (spec is ContainerSpec { MemoryLimit: { } limit })
                c.RequireEqual(limit, seen.Memory, $"The memory, by {by},");
            if (spec is ContainerSpec { CpuLimit: { } cpus })
                c.RequireEqual(cpus, seen.Cpus, $"The number of CPUs, by {by},");
        }
    }

    private static async Task StartBoots(CheckContext c)
    {
        var made = await c.CreateAsync().ConfigureAwait(false);
        var started = await c.StartAsync(made.Id).ConfigureAwait(false);
        c.RequireEqual(PowerState.Running, started.State, "The state that a start returned");
        await c.RequireStateAsync(made.Id, PowerState.Running, "after a start").ConfigureAwait(false);
        c.RequireEqual(made.Incarnation, started.Incarnation, "The incarnation after a start");
    }

    private static async Task StartAgainDoesNothing(CheckContext c)
    {
        var running = await c.CreateRunningAsync().ConfigureAwait(false);
        var again = await c.StartAsync(running.Id).ConfigureAwait(false);
        c.RequireEqual(PowerState.Running, again.State, "The state after a second start");
        c.RequireEqual(running.StartedAt, again.StartedAt, "The time of the start after a second start");
    }

    private static async Task StopSwitchesOff(CheckContext c)
    {
        var running = await c.CreateRunningAsync().ConfigureAwait(false);
        c.RequireEqual(PowerState.Stopped, (await c.StopAsync(running.Id).ConfigureAwait(false)).State, "The state that a stop returned");
        await c.RequireStateAsync(running.Id, PowerState.Stopped, "after a stop").ConfigureAwait(false);
    }

    private static async Task StopAgainDoesNothing(CheckContext c)
    {
        var made = await c.CreateAsync().ConfigureAwait(false);
        var stopped = await c.StopAsync(made.Id).ConfigureAwait(false);
        c.RequireEqual(PowerState.Stopped, stopped.State, "The state after stopping a stopped instance");
        c.RequireEqual(made.Revision, stopped.Revision, "The revision after stopping a stopped instance");
    }

    private static async Task RestartStartsAnew(CheckContext c)
    {
        var running = await c.CreateRunningAsync().ConfigureAwait(false);
        var subscription = await c.Compute.WatchAsync(null, c.Token).ConfigureAwait(false);
        await using (((IAsyncDisposable)subscription).ConfigureAwait(false))
        {
            var restarted = await c.RestartAsync(running.Id).ConfigureAwait(false);
            c.RequireEqual(PowerState.Running, restarted.State, "The state that a restart returned");
            c.RequireEqual(running.Incarnation, restarted.Incarnation, "The incarnation after a restart");
            // A start time may be too coarse to tell two starts apart: the events tell.
            var states = await EventChecks.StatesAsync(c, subscription, running.Id, PowerState.Running).ConfigureAwait(false);
            c.Require(states.Contains(PowerState.Stopped) || states.Contains(PowerState.Stopping), $"A restart did not stop the instance: the states were {CheckContext.Print(states.Select(state => state.ToString()))}.");
        }
    }

    private static async Task DeleteRemoves(CheckContext c)
    {
        var made = await c.CreateAsync().ConfigureAwait(false);
        await c.DeleteAsync(made.Id).ConfigureAwait(false);
        c.Require(await c.Compute.FindAsync(made.Id, c.Token).ConfigureAwait(false) is null, $"The instance '{made.Id}' is found after it was deleted.");
        c.RequireEqual(0, (await c.ListOwnAsync().ConfigureAwait(false)).Count, "The number of instances that are listed after the only one was deleted");
    }

    private static async Task DeleteOfRunningIsRefused(CheckContext c)
    {
        var running = await c.CreateRunningAsync().ConfigureAwait(false);
        await c.RefusedAsync("Deleting a running instance", () => c.DeleteAsync(running.Id), ErrorCode.InvalidState).ConfigureAwait(false);
        await c.RequireStateAsync(running.Id, PowerState.Running, "after a deletion that was refused").ConfigureAwait(false);
    }

    private static async Task DeleteStopsFirst(CheckContext c)
    {
        var running = await c.CreateRunningAsync().ConfigureAwait(false);
        await c.DeleteAsync(running.Id, stopFirst: true).ConfigureAwait(false);
        c.Require(await c.Compute.FindAsync(running.Id, c.Token).ConfigureAwait(false) is null, "A running instance is still there after it was deleted with StopFirst.");
    }

    private static async Task UnknownIsNotFound(CheckContext c)
    {
        var gone = await c.CreateAsync().ConfigureAwait(false);
        await c.DeleteAsync(gone.Id).ConfigureAwait(false);
        foreach (var id in new[] { gone.Id, InstanceId.Parse("no-such-instance") })
        {
            c.Require(await c.Compute.FindAsync(id, c.Token).ConfigureAwait(false) is null, $"Finding '{id}', which is not there, gives an instance.");
            foreach (var call in ChangingCalls.All(c))
                await c.RefusedAsync($"{call.Name} of '{id}', which is not there,", () => call.CallAsync(id, null, c.Token), ErrorCode.NotFound).ConfigureAwait(false);
            await c.RefusedAsync($"Planning a change of '{id}', which is not there,", () => c.Compute.PlanAsync(id, new InstanceChange { Description = "x" }, c.Token), ErrorCode.NotFound).ConfigureAwait(false);
        }
    }

    private static async Task DefaultIsMisuse(CheckContext c)
    {
        await c.MisusedAsync("Starting a default id", () => c.StartAsync(default)).ConfigureAwait(false);
        await c.MisusedAsync("Stopping a default id", () => c.StopAsync(default)).ConfigureAwait(false);
        await c.MisusedAsync("Restarting a default id", () => c.RestartAsync(default)).ConfigureAwait(false);
        await c.MisusedAsync("Deleting a default id", () => c.DeleteAsync(default)).ConfigureAwait(false);
        await c.MisusedAsync("Planning for a default id", () => c.Compute.PlanAsync(default, new InstanceChange(), c.Token)).ConfigureAwait(false);
        await c.MisusedAsync("Applying no plan", () => c.Compute.ApplyAsync(null!, null, null, c.Token)).ConfigureAwait(false);
        await c.MisusedAsync("Creating without a name", () => c.BeginCreateAsync(c.NewSpec(spec => spec.Name = default))).ConfigureAwait(false);
    }

    private static async Task NamesAreUnique(CheckContext c)
    {
        var first = await c.CreateAsync().ConfigureAwait(false);
        await c.RefusedAsync("Creating a second instance of the same name", () => c.CreateAsync(spec => spec.Name = InstanceName.Parse(first.Name)), ErrorCode.AlreadyExists).ConfigureAwait(false);
        c.RequireEqual(first.Incarnation, (await c.GetAsync(first.Id).ConfigureAwait(false)).Incarnation, "The incarnation of the first");
        c.RequireEqual(1, (await c.ListOwnAsync().ConfigureAwait(false)).Count, "The number of instances after the second was refused");
    }

    private static async Task IncarnationsDiffer(CheckContext c)
    {
        var first = await c.CreateAsync().ConfigureAwait(false);
        await c.DeleteAsync(first.Id).ConfigureAwait(false);
        var second = await c.CreateAsync(spec => spec.Name = InstanceName.Parse(first.Name)).ConfigureAwait(false);
        c.Require(second.Incarnation != first.Incarnation, $"The second instance of the name '{first.Name}' has the incarnation of the first, {first.Incarnation}.");
    }

    private static async Task IncarnationGuards(CheckContext c)
    {
        var gone = await c.CreateAsync().ConfigureAwait(false);
        await c.DeleteAsync(gone.Id).ConfigureAwait(false);
        var made = await c.CreateAsync().ConfigureAwait(false);
        await ChangingCalls.PrepareAsync(c, made.Id).ConfigureAwait(false);
        made = await RefusedToAllAsync(c, made, new RequestOptions { IfIncarnation = gone.Incarnation }, "another incarnation").ConfigureAwait(false);
        await c.StopAsync(made.Id, new RequestOptions { IfIncarnation = made.Incarnation }).ConfigureAwait(false);
    }

    /// <summary>Requires that what a request compares is compared by every call, stopped and running.</summary>
    /// <returns>The instance, which runs now.</returns>
    public static async Task<Instance> RefusedToAllAsync(CheckContext c, Instance stopped, RequestOptions stale, string what)
    {
        var before = await c.GetAsync(stopped.Id).ConfigureAwait(false);
        foreach (bool isRunning in new[] { false, true })
        {
            if (isRunning)
                before = await c.StartAsync(before.Id, new RequestOptions { IfIncarnation = before.Incarnation, IfRevision = before.Revision }).ConfigureAwait(false);
            foreach (var call in ChangingCalls.Of(c, isRunning))
            {
                await c.RefusedAsync($"{call.Name} for {what}", () => call.CallAsync(before.Id, stale, c.Token), ErrorCode.Conflict).ConfigureAwait(false);
                var after = await c.GetAsync(before.Id).ConfigureAwait(false);
                c.RequireEqual((before.State, before.Revision, before.StartedAt), (after.State, after.Revision, after.StartedAt), $"The state, the revision and the time of the start after {call.Name} for {what} was refused");
            }
        }

        return before;
    }

    private static async Task PauseAndResume(CheckContext c)
    {
        var pausing = c.Backend.Get<IPausing>();
        var running = await c.CreateRunningAsync().ConfigureAwait(false);
        for (int i = 0; i < 2; i++)
            c.RequireEqual(PowerState.Paused, (await pausing.PauseAsync(running.Id, null, c.Token).WaitForCompletionAsync(c.Token).ConfigureAwait(false)).State, $"The state after pause number {i + 1}");
        await c.RequireStateAsync(running.Id, PowerState.Paused, "after pausing").ConfigureAwait(false);
        for (int i = 0; i < 2; i++)
            c.RequireEqual(PowerState.Running, (await pausing.ResumeAsync(running.Id, null, c.Token).WaitForCompletionAsync(c.Token).ConfigureAwait(false)).State, $"The state after resume number {i + 1}");
        c.RequireEqual(running.StartedAt, (await c.GetAsync(running.Id).ConfigureAwait(false)).StartedAt, "The time of the start after pausing and resuming");
    }

    private static async Task PauseOfStoppedIsRefused(CheckContext c)
    {
        var pausing = c.Backend.Get<IPausing>();
        var made = await c.CreateAsync().ConfigureAwait(false);
        await c.RefusedAsync("Pausing a stopped instance", () => pausing.PauseAsync(made.Id, null, c.Token).WaitForCompletionAsync(c.Token), ErrorCode.InvalidState).ConfigureAwait(false);
        await c.RefusedAsync("Resuming a stopped instance", () => pausing.ResumeAsync(made.Id, null, c.Token).WaitForCompletionAsync(c.Token), ErrorCode.InvalidState).ConfigureAwait(false);
        await c.RequireStateAsync(made.Id, PowerState.Stopped, "after a pause that was refused").ConfigureAwait(false);
    }

    private static async Task<Instance> CreatePausedAsync(CheckContext c)
    {
        var running = await c.CreateRunningAsync().ConfigureAwait(false);
        return await c.Backend.Get<IPausing>().PauseAsync(running.Id, null, c.Token).WaitForCompletionAsync(c.Token).ConfigureAwait(false);
    }

    private static async Task StartOfPausedIsRefused(CheckContext c)
    {
        var paused = await CreatePausedAsync(c).ConfigureAwait(false);
        await c.RefusedAsync("Starting a paused instance", () => c.StartAsync(paused.Id), ErrorCode.InvalidState).ConfigureAwait(false);
        await c.RequireStateAsync(paused.Id, PowerState.Paused, "after a start that was refused").ConfigureAwait(false);
    }

    private static async Task StopOfPaused(CheckContext c)
    {
        var paused = await CreatePausedAsync(c).ConfigureAwait(false);
        await c.RefusedAsync("Deleting a paused instance", () => c.DeleteAsync(paused.Id), ErrorCode.InvalidState).ConfigureAwait(false);
        await c.StopAsync(paused.Id).ConfigureAwait(false);
        await c.RequireStateAsync(paused.Id, PowerState.Stopped, "after stopping a paused instance").ConfigureAwait(false);
    }

    private static async Task Reset(CheckContext c)
    {
        var reset = c.Backend.Get<IReset>();
        var made = await c.CreateAsync().ConfigureAwait(false);
        await c.RefusedAsync("Resetting a stopped instance", () => reset.ResetAsync(made.Id, null, c.Token).WaitForCompletionAsync(c.Token), ErrorCode.InvalidState).ConfigureAwait(false);
        await c.StartAsync(made.Id).ConfigureAwait(false);
        c.RequireEqual(PowerState.Running, (await reset.ResetAsync(made.Id, null, c.Token).WaitForCompletionAsync(c.Token).ConfigureAwait(false)).State, "The state after a reset");
    }

    private static async Task Suspend(CheckContext c)
    {
        var suspending = c.Backend.Get<ISuspendToDisk>();
        var made = await c.CreateAsync().ConfigureAwait(false);
        await c.RefusedAsync("Suspending a stopped instance", () => suspending.SuspendAsync(made.Id, null, c.Token).WaitForCompletionAsync(c.Token), ErrorCode.InvalidState).ConfigureAwait(false);
        await c.StartAsync(made.Id).ConfigureAwait(false);
        await suspending.SuspendAsync(made.Id, null, c.Token).WaitForCompletionAsync(c.Token).ConfigureAwait(false);
        await c.RequireStateAsync(made.Id, PowerState.Suspended, "after suspending").ConfigureAwait(false);
        await c.StartAsync(made.Id).ConfigureAwait(false);
        await c.RequireStateAsync(made.Id, PowerState.Running, "after starting a suspended instance").ConfigureAwait(false);
    }

    private static async Task CrashIsSeen(CheckContext c)
    {
        var running = await c.CreateRunningAsync().ConfigureAwait(false);
        await c.Target.Guests!.CrashAsync(running.Id, c.Token).ConfigureAwait(false);
        var crashed = await c.EventuallyAsync("An instance whose guest ended by itself being crashed", () => c.GetAsync(running.Id), instance => instance.State == PowerState.Crashed).ConfigureAwait(false);
        c.Require(!string.IsNullOrWhiteSpace(crashed.StateReason), "A crashed instance has no reason for its state.");
        c.RequireEqual(PowerState.Running, (await c.StartAsync(running.Id).ConfigureAwait(false)).State, "The state after starting a crashed instance");
    }

    private static async Task<Instance> CreateDeafAsync(CheckContext c)
    {
        var made = await c.BeginCreateAsync(c.Target.NewDeafGuest(c.NewName())!).WaitForCompletionAsync(c.Token).ConfigureAwait(false);
        return await c.StartAsync(made.Id).ConfigureAwait(false);
    }

    private static async Task DeafGuestRunsOn(CheckContext c)
    {
        var running = await CreateDeafAsync(c).ConfigureAwait(false);
        var patient = new StopOptions { GracePeriod = TimeSpan.FromMilliseconds(200), ForceAfterGrace = false };
        await c.FailsAsync("Stopping a guest that does not listen, without force,", () => c.Compute.StopAsync(running.Id, patient, null, c.Token).WaitForCompletionAsync(c.Token), ErrorCode.Timeout).ConfigureAwait(false);
        await c.RequireStateAsync(running.Id, PowerState.Running, "of a guest that was not to be forced off").ConfigureAwait(false);
    }

    private static async Task DeafGuestIsForced(CheckContext c)
    {
        var running = await CreateDeafAsync(c).ConfigureAwait(false);
        var forced = await c.Compute.StopAsync(running.Id, new StopOptions { GracePeriod = TimeSpan.FromMilliseconds(200) }, null, c.Token).WaitForCompletionAsync(c.Token).ConfigureAwait(false);
        c.RequireEqual(PowerState.Stopped, forced.State, "The state of a guest that was to be forced off");
        await c.RequireStateAsync(running.Id, PowerState.Stopped, "of a guest that was forced off").ConfigureAwait(false);
    }

    private static async Task RestartOfStoppedStarts(CheckContext c)
    {
        var made = await c.CreateAsync().ConfigureAwait(false);
        c.RequireEqual(PowerState.Running, (await c.RestartAsync(made.Id).ConfigureAwait(false)).State, "The state after restarting a stopped instance");
    }

    private static async Task NegativeGraceIsMisuse(CheckContext c)
    {
        var made = await c.CreateAsync().ConfigureAwait(false);
        var negative = new StopOptions { GracePeriod = TimeSpan.FromSeconds(-1) };
        await c.MisusedAsync("Stopping with a negative grace period", () => c.Compute.StopAsync(made.Id, negative, null, c.Token)).ConfigureAwait(false);
        await c.MisusedAsync("Restarting with a negative grace period", () => c.Compute.RestartAsync(made.Id, negative, null, c.Token)).ConfigureAwait(false);
    }
}
