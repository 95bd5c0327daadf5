namespace Hypervisor.Sdk.Conformance.Tests.Lies;

/// <content>Lists, names, events, plans, refusals.</content>
internal static partial class LieTable
{
    private static Lie[] Lists() =>
    [
        On("LIST-01", LieBase.Toy, "lists the first twice", "List", call => new ChangedList<Instance>((PagedList<Instance>)call.Next()!, page => page.Items.Count == 0 ? page : Copy.With(page, (nameof(page.Items), page.Items.Prepend(page.Items[0]).Take(500).ToList())))),
        On("LIST-02", LieBase.Toy, "does not filter", "List", call => call.NextWith<InstanceFilter>(_ => null)),
        On("LIST-03", LieBase.Toy, "begins anew on every page", "List", call => new ChangedList<Instance>((PagedList<Instance>)call.Next()!, page => page) { LeastItems = 500 }),
        On("LIST-04", LieBase.Toy, "takes a page of nothing for a page of one", "List", call => new ChangedList<Instance>((PagedList<Instance>)call.Next()!, page => page) { LeastItems = 1 }),
        On("LIST-05", LieBase.Featured, "does not say which nodes are missing", "List", call => new ChangedList<Instance>((PagedList<Instance>)call.Next()!, page => Copy.With(page, (nameof(page.Unreachable), Array.Empty<HypervisorException>())))),
        On("LIST-06", LieBase.Toy, "watches from now whatever is asked", "WatchAsync", FromNow),
        On("LIST-07", LieBase.Toy, "lists what it listed before", "List", call =>
        {
            Page<Instance>? first = null;
            return new ChangedList<Instance>((PagedList<Instance>)call.Next()!, page => first ??= page);
        }),
        On("NAME-01", LieBase.Toy, "cuts names off", "CreateAsync", call => call.NextWith<VirtualMachineSpec>(spec =>
        {
            spec!.Name = InstanceName.Parse(spec.Name.ToString()[..Math.Min(40, spec.Name.ToString().Length)]);
            return spec;
        })),
        Refusing<Operation<Instance>>("NAME-02", LieBase.Toy, "asks the server what it could know", "CreateAsync", error => Copy.With(error, (nameof(error.Outcome), RequestOutcome.Rejected))),
        On("NAME-03", LieBase.Toy, "drops labels without a word", "CreateAsync", call => call.NextWith<VirtualMachineSpec>(spec =>
        {
            spec!.Labels.Remove("hvsdk.x");
            return spec;
        })),
        On("NAME-04", LieBase.Toy, "drops names that it does not like", "PlanAsync", call => call.NextWith<InstanceChange>(change => change!.Name.IsSet && !call.Client.Info.Naming.Accepts(change.Name.Value.ToString(), out _) ? new InstanceChange() : change)),
    ];

    private static object? FromNow(Call call) => call.NextWith<WatchOptions>(options => options is null ? null : Copy.With(options, (nameof(WatchOptions.After), null)));

    private static Lie[] Events() =>
    [
        Telling("EVT-01", LieBase.Toy, "tells of no creation", next => next is InstanceCreated ? [] : [next]),
        Telling("EVT-02", LieBase.Toy, "is never synchronized", next => next is Synchronized ? [] : [next]),
        Telling("EVT-03", LieBase.Toy, "tells revisions that there are not", next => next is InstanceChanged ? [Copy.With(next, (nameof(InstanceChanged.Revision), Revision.Parse("another")))] : [next]),
        Telling("EVT-04", LieBase.Toy, "drops events without a word", next => next is EventGap ? [] : [next]),
        On("EVT-05", LieBase.Toy, "watches from now whatever is asked", "WatchAsync", FromNow),
        On("EVT-06", LieBase.Toy, "watches from now what it does not keep", "WatchAsync", FromNow),
        OnAsync<Subscription>("EVT-07", LieBase.Toy, "lets many read", "WatchAsync", async call => new ChangedSubscription(await (Task<Subscription>)call.Next()!, next => [next]) { LetsMoreRead = true }),
        On("EVT-08", LieBase.Toy, "takes no room for room for one", "WatchAsync", call => call.NextWith<WatchOptions>(options => options is null ? null : Copy.With(options, (nameof(WatchOptions.Capacity), Math.Max(1, options.Capacity))))),
        Telling("EVT-09", LieBase.Toy, "tells of no state", next => next is InstanceStateChanged ? [] : [next]),
        Telling("EVT-10", LieBase.Toy, "tells of a crash and not why", next => next is InstanceStateChanged changed ? [Copy.With(changed, (nameof(changed.Reason), null))] : [next]),
        Telling("EVT-11", LieBase.Toy, "tells that everything was paused before", next => next is InstanceStateChanged changed ? [Copy.With(changed, (nameof(changed.From), PowerState.Paused))] : [next]),
    ];

    private static async Task<Operation<Instance>> ApplyAnewAsync(Call call)
    {
        var plan = (ChangePlan)call.Arguments[0]!;
        return await call.Hypervisor.ChangeAsync(plan.Instance.Id, plan.Change, new ApplyOptions { Accept = CheckContext.Everything });
    }

    private static Lie[] Plans() =>
    [
        OnAsync<ChangePlan>("PLAN-01", LieBase.Toy, "does what it plans", "PlanAsync", async call =>
        {
            var plan = await (Task<ChangePlan>)call.Next()!;
            await call.Hypervisor.ApplyAsync(plan, new ApplyOptions { Accept = CheckContext.Everything }).WaitForCompletionAsync();
            return plan;
        }),
        OnAsync<ChangePlan>("PLAN-02", LieBase.Toy, "plans what is so already", "PlanAsync", async call =>
        {
            var plan = await (Task<ChangePlan>)call.Next()!;
            return plan.Steps.Count > 0 ? plan : Copy.With(plan, (nameof(plan.Steps), new[] { new PlannedStep { Property = "description", Effects = ChangeEffects.Live } }));
        }),
        OnAsync<Operation<Instance>>("PLAN-03", LieBase.Toy, "applies nothing", "ApplyAsync", async call => Answers.Done(await call.Hypervisor.GetAsync(((ChangePlan)call.Arguments[0]!).Instance.Id))),
        On("PLAN-04", LieBase.Toy, "accepts every effect by itself", "ApplyAsync", call => call.NextWith<ApplyOptions>(_ => new ApplyOptions { Accept = CheckContext.Everything })),
        On("PLAN-05", LieBase.Toy, "applies plans that are stale", "ApplyAsync", ApplyAnewAsync),
        OnAsync<ChangePlan>("PLAN-06", LieBase.Toy, "plans the impossible", "PlanAsync", async call =>
        {
            var plan = await (Task<ChangePlan>)call.Next()!;
            return Copy.With(plan, (nameof(plan.Steps), plan.Steps.Select(step => Copy.With(step, (nameof(step.Impossible), null))).ToList()));
        }),
        Saying("PLAN-07", LieBase.Qemu, "never says that something is pending", instance => Copy.With(instance, (nameof(Instance.HasPendingChanges), false))),
        On("PLAN-08", LieBase.Toy, "drops names that are taken", "PlanAsync", call => Answers.Instead<ChangePlan>(call, ErrorCode.AlreadyExists, _ => call.Hypervisor.PlanAsync(call.Id, new InstanceChange()))),
        On("PLAN-09", LieBase.Toy, "applies no plan of another client", "ApplyAsync", call => call.ClientNumber > 1 ? throw Answers.Error(ErrorCode.Conflict) : call.Next()),
        On("PLAN-10", LieBase.Toy, "removes no label", "PlanAsync", call => call.NextWith<InstanceChange>(change =>
        {
            change!.Labels.Remove("gone");
            return change;
        })),
        Without("PLAN-11", LieBase.Toy, "reads no request id when it applies", "ApplyAsync", nameof(RequestOptions.RequestId)),
        Saying("REV-01", LieBase.Toy, "counts states as revisions", instance => Copy.With(instance, (nameof(Instance.Revision), Revision.Parse($"{instance.Revision}-{instance.State}")))),
        new("REV-02", LieBase.Toy, "compares no revision", call => call.NextWithout(nameof(RequestOptions.IfRevision))),
        On("REV-03", LieBase.Toy, "lets both of two writers win", "ApplyAsync", ApplyAnewAsync),
    ];

    private static Lie[] Errors() =>
    [
        Refusing<Operation>("ERR-01", LieBase.Toy, "says 'No.'", "DeleteAsync", error => Answers.Error(error.Code)),
        Refusing<Operation<Instance>>("ERR-02", LieBase.Toy, "does not say which field is to blame", "CreateAsync", error => Answers.Error(error.Code, error.Message)),
        On("ERR-03", LieBase.Toy, "takes no spec for a bad one", "CreateAsync", call => call.Arguments[0] is null ? throw Answers.Error(ErrorCode.InvalidArgument) : call.Next()),
        On("ERR-04", LieBase.Toy, "ignores extensions of its own kind", "CreateAsync", call => Answers.Instead<Operation<Instance>>(call, ErrorCode.Unsupported, _ => call.Hypervisor.CreateAsync(Plain((VirtualMachineSpec)call.Arguments[0]!)))),
        On("ERR-05", LieBase.Toy, "makes what it refuses", "CreateAsync", call => Answers.Instead<Operation<Instance>>(call, ErrorCode.InvalidArgument, async error =>
        {
            await call.Hypervisor.CreateAsync(Plain((VirtualMachineSpec)call.Arguments[0]!)).WaitForCompletionAsync();
            throw error;
        })),
        Saying("DISK-01", LieBase.Qemu, "keeps every disk", instance => Copy.With(instance, (nameof(Instance.Disks), instance.Disks.Select(disk => Copy.With(disk, (nameof(disk.Disposal), DiskDisposal.Kept))).ToList()))),
        Saying("DISK-02", LieBase.Qemu, "keeps no disk", instance => Copy.With(instance, (nameof(Instance.Disks), instance.Disks.Select(disk => Copy.With(disk, (nameof(disk.Disposal), DiskDisposal.DeletedWithInstance))).ToList()))),
        On("DISK-03", LieBase.Qemu, "does not read what is to become of disks", "CreateAsync", call => call.NextWith<VirtualMachineSpec>(spec =>
        {
            foreach (var disk in spec!.Disks)
                disk.Disposal = null;
            return spec;
        })),
        Saying("PAR-01", LieBase.Toy, "has one incarnation for all", instance => Copy.With(instance, (nameof(Instance.Incarnation), Incarnation.Parse("one")))),
        Refusing<Operation<Instance>>("PAR-02", LieBase.Toy, "takes a taken name for a lock", "CreateAsync", error => Answers.Error(ErrorCode.Locked, error.Message)),
        Without("PAR-03", LieBase.Toy, "reads no request id when it creates", "CreateAsync", nameof(RequestOptions.RequestId)),
        On("PAR-04", LieBase.Toy, "fails somehow when much is called at once", "ApplyAsync", _ => throw Answers.Error(ErrorCode.Unspecified)),
        OnAsync<BackendHealth>("RECO-01", LieBase.Featured, "never connects again", "CheckHealthAsync", async call =>
        {
            var honest = await (Task<BackendHealth>)call.Next()!;
            return call.ClientNumber == 1 || call.Client.ConnectionState == BackendConnectionState.Connected ? new BackendHealth { IsHealthy = false, Problem = "It is gone." } : honest;
        }),
        OnAsync<Operation<Instance>>("RECO-02", LieBase.Featured, "repeats what was lost", "RestartAsync", async call =>
        {
            try
            {
                return await (Task<Operation<Instance>>)call.Next()!;
            }
            catch (HypervisorException)
            {
                await (await (Task<Operation<Instance>>)call.Next()!).WaitAsync();
                throw;
            }
        }),
        Telling("RECO-03", LieBase.Featured, "tells of no gap", next => next is EventGap ? [] : [next]),
    ];

    private static VirtualMachineSpec Plain(VirtualMachineSpec spec) => new() { Name = spec.Name, Sizing = spec.Sizing };
}
