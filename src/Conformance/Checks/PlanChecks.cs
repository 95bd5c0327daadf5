namespace Hypervisor.Sdk.Conformance;

/// <summary>PLAN: what a change would do, and that it does that and nothing beyond. REV: revisions of the configuration.</summary>
internal static class PlanChecks
{
    public static IReadOnlyList<ConformanceCheck> All { get; } =
    [
        new() { Id = "PLAN-01", Sentence = "A plan changes nothing.", Needs = [CheckNeed.Compute], Body = PlanChangesNothing },
        new() { Id = "PLAN-02", Sentence = "A change to what is so already has no steps, and applying it changes nothing.", Needs = [CheckNeed.Compute], Body = NothingToDo },
        new() { Id = "PLAN-03", Sentence = "What a plan said is what happened, to a stopped and to a running instance; what the change does not mention stays.", Needs = [CheckNeed.Compute], Body = PlanIsKept },
        new() { Id = "PLAN-04", Sentence = "An effect that was not accepted is refused (invalid-argument), and nothing is done.", Needs = [CheckNeed.Compute], Body = UnacceptedEffectIsRefused },
        new() { Id = "PLAN-05", Sentence = "A plan that was made for an older configuration is refused (conflict), and nothing is done.", Needs = [CheckNeed.Compute], Body = StalePlanIsRefused },
        new() { Id = "PLAN-06", Sentence = "A step that cannot be done says why in the plan, and applying it is refused (unsupported); or the change is refused at once.", Needs = [CheckNeed.Compute], Body = ImpossibleIsSaid },
        new() { Id = "PLAN-07", Sentence = "What takes effect at the next start is pending until then, and in force after it.", Needs = [CheckNeed.Compute], Body = PendingUntilTheNextStart },
        new() { Id = "PLAN-08", Sentence = "A rename to a name that is taken is refused, and both names stay.", Needs = [CheckNeed.Compute, CheckNeed.Can(Capability.UniqueNames)], Body = RenameToTakenIsRefused },
        new() { Id = "PLAN-09", Sentence = "A plan is applied by another client than the one that made it.", Needs = [CheckNeed.Compute], Body = PlansCrossClients },
        new() { Id = "PLAN-10", Sentence = "A value that is set to nothing is cleared, and a label that is set to nothing is removed.", Needs = [CheckNeed.Compute], Body = NullClears },
        new() { Id = "PLAN-11", Sentence = "Applying a plan again under its request id does nothing again.", Needs = [CheckNeed.Compute], Body = ApplyOnce },
        new() { Id = "REV-01", Sentence = "A change of the configuration changes the revision; starting and stopping do not.", Needs = [CheckNeed.Compute], Body = RevisionIsConfiguration },
        new() { Id = "REV-02", Sentence = "Whatever is asked for a revision that has moved is refused (conflict) and not done, by every call that changes something; for the revision that is there it is done.", Needs = [CheckNeed.Compute], Body = RevisionGuards },
        new() { Id = "REV-03", Sentence = "Of two changes for the same revision at the same time, one is made.", Needs = [CheckNeed.Compute], Body = OneOfTwoWins },
    ];

    private static Task<ChangePlan> PlanAsync(CheckContext c, InstanceId id, Action<InstanceChange> change)
    {
        var wanted = new InstanceChange();
        change(wanted);
        return c.Compute.PlanAsync(id, wanted, c.Token);
    }

    private static Task<Instance> ApplyAsync(CheckContext c, ChangePlan plan, ChangeEffects accept = CheckContext.Everything, RequestOptions? request = null) =>
        c.Compute.ApplyAsync(plan, new ApplyOptions { Accept = accept }, request, c.Token).WaitForCompletionAsync(c.Token);

    private static async Task PlanChangesNothing(CheckContext c)
    {
        var made = await c.CreateAsync().ConfigureAwait(false);
        var plan = await PlanAsync(c, made.Id, change =>
        {
            change.Description = "planned";
            change.Labels["planned"] = "yes";
        }).ConfigureAwait(false);
        c.RequireEqual(new InstanceRef(c.Backend.Name, made.Id), plan.Instance, "The instance that a plan is for");
        c.RequireEqual(made.Revision, plan.BasedOn, "The revision that a plan is based on");
        c.Require(plan.Steps.Count > 0 && plan.Steps.All(step => step.Property.Length > 0), "A plan of a new description has no steps, or one without a property.");
        var after = await c.GetAsync(made.Id).ConfigureAwait(false);
        c.RequireEqual(made.Revision, after.Revision, "The revision after a plan was made");
        c.RequireEqual(made.Description, after.Description, "The description after a plan was made");
    }

    private static async Task NothingToDo(CheckContext c)
    {
        var made = await c.CreateAsync(spec => spec.Description = "as it is").ConfigureAwait(false);
        var plan = await PlanAsync(c, made.Id, change => change.Description = "as it is").ConfigureAwait(false);
        c.RequireEqual(0, plan.Steps.Count, "The number of steps to what is so already");
        c.RequireEqual(ChangeEffects.None, plan.Effects, "The effects of a plan without steps");
        c.RequireEqual(made.Revision, (await ApplyAsync(c, plan, ChangeEffects.None).ConfigureAwait(false)).Revision, "The revision after a change to what is so already");
    }

    private static async Task PlanIsKept(CheckContext c)
    {
        var made = await c.CreateAsync(spec => spec.Labels["kept"] = "yes").ConfigureAwait(false);
        foreach (bool isRunning in new[] { false, true })
        {
            if (isRunning)
                made = await c.StartAsync(made.Id).ConfigureAwait(false);
            string name = c.NewText();
            string text = isRunning ? "while it runs" : "while it is stopped";
            var plan = await PlanAsync(c, made.Id, change =>
            {
                change.Description = text;
                change.Labels["changed"] = text;
                if (!isRunning)
                    change.Name = InstanceName.Parse(name);
            }).ConfigureAwait(false);
            if (!plan.IsPossible)
                c.Skip($"The backend cannot change descriptions, labels and names: {plan.Steps.First(step => step.Impossible is not null).Impossible}");
            var after = await ApplyAsync(c, plan, plan.Effects).ConfigureAwait(false);
            c.RequireEqual(text, after.Description, $"The description after a change {text}");
            c.RequireEqual(text, after.Labels.GetValueOrDefault("changed"), $"The label after a change {text}");
            c.RequireEqual("yes", after.Labels.GetValueOrDefault("kept"), "A label that the change does not mention");
            c.RequireEqual(made.Memory, after.Memory, "The memory, which the change does not mention,");
            if (!isRunning)
                c.RequireEqual(name, after.Name, "The name after a rename");
            c.RequireEqual(plan.Effects.HasFlag(ChangeEffects.ReplacesInstance), after.Incarnation != made.Incarnation, $"That the incarnation is another one after a change whose effects are {plan.Effects}");
            if (isRunning && !plan.Effects.HasFlag(ChangeEffects.RestartsInstance))
                c.RequireEqual(made.StartedAt, after.StartedAt, $"The time of the start after a change whose effects are {plan.Effects}");
            // Where ids are names, a rename gives another id.
            c.RequireEqual(after.Incarnation, (await c.GetAsync(after.Id).ConfigureAwait(false)).Incarnation, "The incarnation that is found under the id that a change returned");
            c.Require((await PlanAsync(c, after.Id, change => change.Description = text).ConfigureAwait(false)).Steps.Count == 0, "A change that was applied has steps when it is planned again.");
            made = after;
        }
    }

    private static async Task UnacceptedEffectIsRefused(CheckContext c)
    {
        var made = await c.CreateAsync().ConfigureAwait(false);
        var plan = await PlanAsync(c, made.Id, change => change.Description = "not accepted").ConfigureAwait(false);
        c.Require(plan.Effects != ChangeEffects.None, "A plan that changes the description of a stopped instance has no effects: it is Live.");
        await c.RefusedAsync($"Applying a plan with the effects {plan.Effects}, of which none is accepted,", () => ApplyAsync(c, plan, ChangeEffects.None), ErrorCode.InvalidArgument).ConfigureAwait(false);
        var after = await c.GetAsync(made.Id).ConfigureAwait(false);
        c.RequireEqual(made.Description, after.Description, "The description after a change that was refused");
        c.RequireEqual(made.Revision, after.Revision, "The revision after a change that was refused");
        if (made.Disks.Count > 0)
        {
            // The effects that lose data are never among those accepted by default.
            var larger = await c.CreateAsync(spec => (spec as VirtualMachineSpec)?.Disks.Add(new DiskSpec { Content = new DiskContent.Blank(ByteSize.FromMiB(4)) })).ConfigureAwait(false);
            var removal = await PlanAsync(c, larger.Id, change => change.RemoveDevices.Add(larger.Disks[^1].Id)).ConfigureAwait(false);
            if (removal.IsPossible)
            {
                c.Require(removal.Effects.HasFlag(ChangeEffects.DestroysData), $"Removing a disk that was made with the instance has the effects {removal.Effects}, without DestroysData.");
                await c.RefusedAsync("Removing a disk where DestroysData is not accepted", () => ApplyAsync(c, removal, ChangeEffects.Live | ChangeEffects.AtNextStart), ErrorCode.InvalidArgument).ConfigureAwait(false);
                c.RequireEqual(larger.Disks.Count, (await c.GetAsync(larger.Id).ConfigureAwait(false)).Disks.Count, "The number of disks after their removal was refused");
            }
        }
    }

    private static async Task StalePlanIsRefused(CheckContext c)
    {
        var made = await c.CreateAsync().ConfigureAwait(false);
        var stale = await PlanAsync(c, made.Id, change => change.Description = "stale").ConfigureAwait(false);
        await c.ChangeAsync(made.Id, change => change.Description = "newer").ConfigureAwait(false);
        await c.RefusedAsync("Applying a plan of an older configuration", () => ApplyAsync(c, stale), ErrorCode.Conflict).ConfigureAwait(false);
        c.RequireEqual("newer", (await c.GetAsync(made.Id).ConfigureAwait(false)).Description, "The description after a stale plan was refused");
    }

    private static async Task ImpossibleIsSaid(CheckContext c)
    {
        var made = await c.CreateAsync().ConfigureAwait(false);
        await ImpossibleAsync(c, made, "Removing a device that is not there", change => change.RemoveDevices.Add(DeviceId.Parse("no-such-device"))).ConfigureAwait(false);
        if (made.Disks.Count > 0 && made.Disks[0].Size is { Bytes: > 1 << 20 } size)
            await ImpossibleAsync(c, made, "Making a disk smaller", change => change.ResizeDisks[made.Disks[0].Id] = new ByteSize(size.Bytes / 2)).ConfigureAwait(false);
    }

    private static async Task ImpossibleAsync(CheckContext c, Instance instance, string what, Action<InstanceChange> change)
    {
        ChangePlan plan;
        try
        {
            plan = await PlanAsync(c, instance.Id, change).ConfigureAwait(false);
        }
        catch (HypervisorException error)
        {
            c.Require(error.Outcome is RequestOutcome.NotSent or RequestOutcome.Rejected, $"{what} is refused by the plan with the outcome {error.Outcome}.");
            return;
        }

        c.Require(!plan.IsPossible, $"{what} is planned as possible.");
        await c.RefusedAsync($"{what}, which the plan calls impossible,", () => ApplyAsync(c, plan), ErrorCode.Unsupported).ConfigureAwait(false);
        c.RequireEqual(instance.Revision, (await c.GetAsync(instance.Id).ConfigureAwait(false)).Revision, $"The revision after {what} was refused");
    }

    private static async Task PendingUntilTheNextStart(CheckContext c)
    {
        var running = await c.CreateRunningAsync().ConfigureAwait(false);
        if (running.Memory is not { } memory || running.Kind != InstanceKind.VirtualMachine)
            throw new CheckSkippedException("Only virtual machines have a size that may wait for the next start.");
        var larger = new ByteSize(memory.Bytes * 2);
        var plan = await PlanAsync(c, running.Id, change => change.Sizing = new Sizing.Explicit((int)(running.Cpus ?? 1), larger)).ConfigureAwait(false);
        if (!plan.IsPossible || !plan.Effects.HasFlag(ChangeEffects.AtNextStart))
            c.Skip($"Here another size of memory does not wait for the next start: its effects are {plan.Effects}.");
        var changed = await ApplyAsync(c, plan, plan.Effects).ConfigureAwait(false);
        c.RequireEqual(running.StartedAt, changed.StartedAt, "The time of the start after a change that waits for the next");
        c.Require(changed.HasPendingChanges, "An instance whose change waits for the next start does not say that changes are pending.");
        var restarted = await c.RestartAsync(running.Id).ConfigureAwait(false);
        c.Require(!restarted.HasPendingChanges, "Changes are still pending after the start that they waited for.");
        c.RequireEqual(larger, restarted.Memory, "The memory after the start that its change waited for");
    }

    private static async Task RenameToTakenIsRefused(CheckContext c)
    {
        var first = await c.CreateAsync().ConfigureAwait(false);
        var second = await c.CreateAsync().ConfigureAwait(false);
        await c.RefusedAsync("Renaming an instance to the name of another", () => c.ChangeAsync(second.Id, change => change.Name = InstanceName.Parse(first.Name)), ErrorCode.AlreadyExists, ErrorCode.Unsupported).ConfigureAwait(false);
        c.RequireEqual(second.Name, (await c.GetAsync(second.Id).ConfigureAwait(false)).Name, "The name after a rename that was refused");
        c.RequireEqual(first.Name, (await c.GetAsync(first.Id).ConfigureAwait(false)).Name, "The name of the other");
    }

    private static async Task PlansCrossClients(CheckContext c)
    {
        var other = await c.ConnectAsync().ConfigureAwait(false);
        var made = await c.CreateAsync().ConfigureAwait(false);
        var plan = await PlanAsync(c, made.Id, change => change.Description = "by another").ConfigureAwait(false);
        var after = await c.ComputeOf(other).ApplyAsync(plan, new ApplyOptions { Accept = plan.Effects }, null, c.Token).WaitForCompletionAsync(c.Token).ConfigureAwait(false);
        c.RequireEqual("by another", after.Description, "The description after another client applied the plan");
        c.RequireEqual("by another", (await c.GetAsync(made.Id).ConfigureAwait(false)).Description, "The description that the first client sees");
    }

    private static async Task NullClears(CheckContext c)
    {
        var made = await c.CreateAsync(spec =>
        {
            spec.Description = "to be cleared";
            spec.Labels["gone"] = "soon";
            spec.Labels["kept"] = "yes";
        }).ConfigureAwait(false);
        var after = await c.ChangeAsync(made.Id, change =>
        {
            change.Description = (string?)null;
            change.Labels["gone"] = null;
        }).ConfigureAwait(false);
        c.RequireEqual(null, after.Description, "The description after it was cleared");
        c.Require(!after.Labels.ContainsKey("gone"), "A label that was set to nothing is still there.");
        c.RequireEqual("yes", after.Labels.GetValueOrDefault("kept"), "A label that the change does not mention");
    }

    private static async Task ApplyOnce(CheckContext c)
    {
        var made = await c.CreateAsync().ConfigureAwait(false);
        var plan = await PlanAsync(c, made.Id, change => change.Description = "once").ConfigureAwait(false);
        var request = new RequestOptions { RequestId = RequestId.New() };
        await ApplyAsync(c, plan, plan.Effects, request).ConfigureAwait(false);
        await c.ChangeAsync(made.Id, change => change.Description = "since").ConfigureAwait(false);
        await ApplyAsync(c, plan, plan.Effects, request).ConfigureAwait(false);
        c.RequireEqual("since", (await c.GetAsync(made.Id).ConfigureAwait(false)).Description, "The description after a plan was applied again under its request id");
    }

    private static async Task RevisionIsConfiguration(CheckContext c)
    {
        var made = await c.CreateAsync().ConfigureAwait(false);
        var running = await c.StartAsync(made.Id).ConfigureAwait(false);
        c.RequireEqual(made.Revision, running.Revision, "The revision after a start");
        c.RequireEqual(made.Revision, (await c.StopAsync(made.Id).ConfigureAwait(false)).Revision, "The revision after a stop");
        var changed = await c.ChangeAsync(made.Id, change => change.Description = "another").ConfigureAwait(false);
        c.Require(changed.Revision != made.Revision, $"The revision is still {made.Revision} after the description was changed.");
    }

    private static async Task RevisionGuards(CheckContext c)
    {
        var made = await c.CreateAsync().ConfigureAwait(false);
        var changed = await c.ChangeAsync(made.Id, change => change.Description = "newer").ConfigureAwait(false);
        await ChangingCalls.PrepareAsync(c, made.Id).ConfigureAwait(false);
        // Taking a snapshot may count as a change of the configuration.
        var current = await c.GetAsync(changed.Id).ConfigureAwait(false);
        var running = await LifeCycleChecks.RefusedToAllAsync(c, current, new RequestOptions { IfRevision = made.Revision }, "a revision that has moved").ConfigureAwait(false);
        await c.StopAsync(running.Id, new RequestOptions { IfRevision = running.Revision }).ConfigureAwait(false);
    }

    private static async Task OneOfTwoWins(CheckContext c)
    {
        var made = await c.CreateAsync().ConfigureAwait(false);
        var answer = await c.Backend.QueryAsync(Capability.AtomicRevision, default, c.Token).ConfigureAwait(false);
        // Where the driver compares, it serialises its own writers only: then both are of one client.
        var second = answer.Support == CapabilitySupport.Yes ? await c.ConnectAsync().ConfigureAwait(false) : c.Backend;
        var plans = new List<ChangePlan>();
        for (int i = 0; i < 2; i++)
            plans.Add(await PlanAsync(c, made.Id, change => change.Labels["winner"] = i.ToString(System.Globalization.CultureInfo.InvariantCulture)).ConfigureAwait(false));
        var outcomes = await Task.WhenAll(WinsAsync(c.Backend, plans[0]), WinsAsync(second, plans[1])).ConfigureAwait(false);
        c.RequireEqual(1, outcomes.Count(won => won), "The number of changes that were made of two for the same revision");

        async Task<bool> WinsAsync(IBackend client, ChangePlan plan)
        {
            try
            {
                await c.ComputeOf(client).ApplyAsync(plan, new ApplyOptions { Accept = plan.Effects }, null, c.Token).WaitForCompletionAsync(c.Token).ConfigureAwait(false);
                return true;
            }
            catch (HypervisorException error) when (error.Code == ErrorCode.Conflict)
            {
                return false;
            }
        }
    }
}
