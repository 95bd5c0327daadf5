namespace Hypervisor.Sdk.Conformance;

/// <summary>CAP: what a backend says that it can do. A yes passes what it promises; a no refuses it, with a reason; a condition is named, and once it is met the thing passes.</summary>
internal static class CapabilityChecks
{
    private static readonly DiskLimits s_slow = new() { Total = new DiskRate { OperationsPerSecond = 500 } };
    private static readonly CheckNeed[] s_machines = [CheckNeed.Compute, CheckNeed.Machines];

    private static readonly CapabilityExercise[] s_exercises =
    [
        new(Capability.VirtualMachines, "creating a virtual machine", CreateMachine),
        new(Capability.Containers, "creating a container", CreateContainer),
        new(Capability.LiveMigration, "moving a running instance, which no watch sees stop or start meanwhile,", Migrate),
        new(Capability.HotplugCpu, "adding a CPU to a running instance", (c, spec) => PlugAsync(c, spec, MoreCpus, (before, after) => after.Cpus > before.Cpus)),
        new(Capability.HotplugMemory, "adding memory to a running instance", (c, spec) => PlugAsync(c, spec, MoreMemory, (before, after) => after.Memory > before.Memory)),
        new(Capability.HotplugDisk, "adding a disk to a running instance", (c, spec) => PlugAsync(c, spec, (change, _) => change.AddDisks.Add(new DiskSpec { Content = new DiskContent.Blank(ByteSize.FromMiB(4)) }), (before, after) => after.Disks.Count == before.Disks.Count + 1)),
        new(Capability.HotplugNetwork, "adding a network device to a running instance", PlugNetwork),
        new(Capability.OnlineResizeDisk, "making a disk of a running instance larger", (c, spec) => PlugAsync(c, spec, (change, instance) => change.ResizeDisks[DiskOf(instance).Id] = new ByteSize(SizeOf(DiskOf(instance)).Bytes * 2), (before, after) => after.Disks[0].Size > before.Disks[0].Size)),
        new(Capability.Snapshots, "taking a snapshot that is listed then", (c, spec) => SnapshotAsync(c, spec, memory: false)),
        new(Capability.MemorySnapshots, "taking a snapshot with memory, and going back to it in one start,", (c, spec) => SnapshotAsync(c, spec, memory: true)),
        new(Capability.LinkedClones, "making a linked clone, without whose deletion a template that it lies upon is not deleted,", LinkedClone),
        new(Capability.SerialConsole, "opening the serial console", SerialConsole),
        new(Capability.GraphicsConsole, "capturing the screen", GraphicsConsole) { Needs = s_machines },
        new(Capability.AtomicRevision, "comparing a revision between clients", AtomicRevision),
        new(Capability.UniqueNames, "refusing a second instance of a name", UniqueNames),
        new(Capability.ResumableOperations, "resuming an operation by its token", ResumableOperations),
        new(Capability.RequestLog, "looking a request up", RequestLog),
        new(Capability.UefiFirmware, "creating a machine with UEFI (which it has, where the target sees that)", (c, spec) => WithMachineAsync(c, spec, Capability.UefiFirmware, machine => machine.Firmware = Firmware.Uefi)) { Needs = s_machines },
        new(Capability.Tpm, "creating a machine with a TPM (which it has, where the target sees that)", (c, spec) => WithMachineAsync(c, spec, Capability.Tpm, machine => machine.Tpm = true)) { Needs = s_machines },
        new(Capability.CloudInit, "giving cloud-init data to an instance (which it has, where the target sees that)", CloudInit),
        new(Capability.NetworkMetrics, "sampling counters of what an instance sends and of what it receives", NetworkMetrics),
        new(Capability.HardwareAcceleration, "running a guest's code on the processor itself", HardwareAcceleration),
        new(Capability.LimitDisks, "limiting a disk of a running instance", (c, spec) => PlugAsync(c, spec, (change, instance) => change.LimitDisks[DiskOf(instance).Id] = s_slow, (_, after) => after.Disks[0].Limits == s_slow)),
        new(Capability.GuestAgent, "asking the agent of a guest", AskAgent) { Spec = Guest },
        new(Capability.MigrationHandover, "opening a volume for a second writer during a handover", (c, _) => StorageChecks.HandOverAsync(c)) { Needs = [CheckNeed.Storage], Spec = NoInstance },
        new(Capability.ChangeMedia, "taking the CD out of a drive of a running instance", (c, spec) => PlugAsync(c, spec, (change, instance) => change.ChangeMedia[DriveOf(instance).Id] = null, (_, after) => DriveOf(after).Image is null)) { Needs = s_machines, Spec = WithDrive },
    ];

    public static IReadOnlyList<ConformanceCheck> All { get; } =
    [
        new() { Id = "CAP-01", Sentence = "Every capability is answered with yes, with no and a reason, or with a condition that is named.", Body = AnswersAreWhole },
        new() { Id = "CAP-02", Sentence = "A capability that the driver does not know is answered with no.", Body = UnknownIsNo },
        new() { Id = "CAP-03", Sentence = "A role that is handed out can do what it is for: what runs virtual machines or containers says so, and what does not plays no such role.", Body = RolesAgree },
        .. s_exercises.Select((exercise, index) => new ConformanceCheck
        {
            Id = FormattableString.Invariant($"CAP-{index + 10}"),
            Sentence = $"What is answered to '{exercise.Capability}' is so: {exercise.What} succeeds, or is refused (unsupported) for the reason that the no gives, or succeeds once the condition is met.",
            Needs = exercise.Needs,
            Body = c => HonestAsync(c, exercise),
        }),
    ];

    /// <summary>The capabilities that have a check of their own here.</summary>
    public static IEnumerable<Capability> Exercised => s_exercises.Select(exercise => exercise.Capability);

    private static async Task AnswersAreWhole(CheckContext c)
    {
        foreach (var capability in KnownCapabilities())
        {
            var answer = await c.Backend.QueryAsync(capability, default, c.Token).ConfigureAwait(false);
            c.Require(Enum.IsDefined(answer.Support), $"The answer to '{capability}' is none of no, yes and conditional.");
            c.Require(answer.Support == CapabilitySupport.Yes || !string.IsNullOrWhiteSpace(answer.Reason), $"The answer to '{capability}' is {answer.Support} and says not why.");
        }
    }

    internal static IEnumerable<Capability> KnownCapabilities() =>
    [
        Capability.VirtualMachines, Capability.Containers, Capability.HardwareAcceleration, Capability.LiveMigration, Capability.HotplugCpu, Capability.HotplugMemory, Capability.HotplugDisk, Capability.HotplugNetwork,
        Capability.OnlineResizeDisk, Capability.Snapshots, Capability.MemorySnapshots, Capability.LinkedClones, Capability.GuestAgent, Capability.SerialConsole, Capability.GraphicsConsole, Capability.NetworkMetrics,
        Capability.AtomicRevision, Capability.UniqueNames, Capability.ResumableOperations, Capability.RequestLog, Capability.MigrationHandover, Capability.UefiFirmware, Capability.Tpm, Capability.CloudInit,
        Capability.LimitDisks, Capability.ChangeMedia,
    ];

    private static async Task UnknownIsNo(CheckContext c)
    {
        var answer = await c.Backend.QueryAsync(Capability.Parse("reads-minds"), default, c.Token).ConfigureAwait(false);
        c.RequireEqual(CapabilitySupport.No, answer.Support, "The answer to 'reads-minds', which no driver knows,");
        c.Require(!string.IsNullOrWhiteSpace(answer.Reason), "The no to a capability that the driver does not know has no reason.");
    }

    private static async Task RolesAgree(CheckContext c)
    {
        await AgreesAsync<IHypervisor>(Capability.VirtualMachines).ConfigureAwait(false);
        await AgreesAsync<IContainerRuntime>(Capability.Containers).ConfigureAwait(false);
        await AgreesAsync<IRequestLog>(Capability.RequestLog).ConfigureAwait(false);
        await ImpliesAsync<ISnapshots>(Capability.Snapshots).ConfigureAwait(false);
        await ImpliesAsync<ISnapshots>(Capability.MemorySnapshots).ConfigureAwait(false);
        await ImpliesAsync<ISerialConsole>(Capability.SerialConsole).ConfigureAwait(false);
        await ImpliesAsync<IGraphicsConsole>(Capability.GraphicsConsole).ConfigureAwait(false);
        await ImpliesAsync<IMigration>(Capability.LiveMigration).ConfigureAwait(false);
        await ImpliesAsync<IOperations>(Capability.ResumableOperations).ConfigureAwait(false);
        await ImpliesAsync<IGuestAgent>(Capability.GuestAgent).ConfigureAwait(false);
        await ImpliesAsync<IStorageBackend>(Capability.MigrationHandover).ConfigureAwait(false);

        async Task AgreesAsync<TRole>(Capability capability)
            where TRole : class
        {
            var answer = await c.Backend.QueryAsync(capability, default, c.Token).ConfigureAwait(false);
            c.RequireEqual(answer.Support != CapabilitySupport.No, c.Backend.TryGet<TRole>(out _), $"That the backend plays {typeof(TRole).Name}, where the answer to '{capability}' is {answer.Support},");
        }

        async Task ImpliesAsync<TFeature>(Capability capability)
            where TFeature : class
        {
            var answer = await c.Backend.QueryAsync(capability, default, c.Token).ConfigureAwait(false);
            c.Require(answer.Support == CapabilitySupport.No || c.Backend.TryGet<TFeature>(out _), $"The answer to '{capability}' is {answer.Support}, and there is no {typeof(TFeature).Name}.");
        }
    }

    private static async Task HonestAsync(CheckContext c, CapabilityExercise exercise)
    {
        var (capability, what) = (exercise.Capability, exercise.What);
        var answer = await c.Backend.QueryAsync(capability, default, c.Token).ConfigureAwait(false);
        var spec = exercise.Spec(c, capability, answer);
        Exception? refusal = null;
        try
        {
            await exercise.Body(c, spec!).ConfigureAwait(false);
        }
        catch (HypervisorException error) when (error.Code == ErrorCode.Unsupported || error.Code == ErrorCode.InvalidArgument)
        {
            refusal = error;
        }
        catch (CapabilityMissingException missing)
        {
            refusal = missing;
        }

        if (answer.Support != CapabilitySupport.No)
        {
            c.Require(refusal is null, $"The answer to '{capability}' is {(answer.Support == CapabilitySupport.Yes ? "yes" : $"conditional ({answer.Reason}), the condition is met")}, and {what} does not succeed: {refusal?.Message}");
            return;
        }

        c.Require(refusal is not null, $"The answer to '{capability}' is no ({answer.Reason}), and {what} succeeds.");
        c.Require(refusal is not HypervisorException refused || refused.Code == ErrorCode.Unsupported, $"The answer to '{capability}' is no ({answer.Reason}), and {what} is refused with '{(refusal as HypervisorException)?.Code}'; what cannot be done is refused with 'unsupported'. The message was: {refusal.Message}");
        // Where the feature is not handed out at all, the driver has nothing to say.
        bool saysWhy = refusal is CapabilityMissingException { IsOfDriver: false } || refusal.Message.Contains(answer.Reason!.TrimEnd('.'), StringComparison.OrdinalIgnoreCase);
        c.Require(saysWhy, $"The answer to '{capability}' is no, for the reason '{answer.Reason}'; {what} is refused, and not for that reason: {refusal.Message}");
    }

    private static InstanceSpec? NoInstance(CheckContext c, Capability capability, CapabilityAnswer answer) => null;

    /// <summary>A guest that boots; of a backend that has no agent, any instance will do to be refused.</summary>
    private static InstanceSpec Guest(CheckContext c, Capability capability, CapabilityAnswer answer) =>
        c.Target.NewGuest(c.NewName()) ?? (answer.Support == CapabilitySupport.No ? c.NewSpec() : throw new CheckSkippedException(c.WhyNot(ConformanceAbility.BootGuests)!));

    /// <summary>A machine with a CD in its drive; of a backend that changes none, a drive is enough to be refused.</summary>
    private static VirtualMachineSpec WithDrive(CheckContext c, Capability capability, CapabilityAnswer answer)
    {
        if (c.Target.NewInstanceFor(capability, c.NewName()) is VirtualMachineSpec loaded && loaded.Disks.Any(disk => disk.Content is DiskContent.Cd { Image: not null }))
            return loaded;
        if (answer.Support != CapabilitySupport.No)
            throw new CheckSkippedException("The target has no machine with a CD in its drive.");
        var machine = (VirtualMachineSpec)c.NewSpec();
        machine.Disks.Add(new DiskSpec { Content = new DiskContent.Cd() });
        return machine;
    }

    private static DiskDevice DriveOf(Instance instance) => instance.Disks.FirstOrDefault(disk => disk.IsCd) ?? throw new CapabilityMissingException("The instance has no CD drive.");

    private static T Feature<T>(CheckContext c)
        where T : class =>
        c.Backend.TryGet<T>(out var feature) ? feature : throw new CapabilityMissingException($"There is no {typeof(T).Name}.");

    private static async Task AskAgent(CheckContext c, InstanceSpec spec)
    {
        var agent = Feature<IGuestAgent>(c);
        var guest = await FeatureChecks.BootAsync(c, spec).ConfigureAwait(false);
        var info = await agent.GetInfoAsync(guest.Id, c.Token).ConfigureAwait(false);
        c.Require(!string.IsNullOrWhiteSpace(info.Agent), "A guest does not say which agent speaks for it.");
    }

    /// <summary>A machine has CPUs; a container is limited to so many CPUs' worth of time.</summary>
    private static void MoreCpus(InstanceChange change, Instance instance)
    {
        if (instance.Kind == InstanceKind.Container)
            change.CpuLimit = (instance.Cpus ?? throw new CheckSkippedException("The target's container has no limit of CPU time that could be raised.")) + 1;
        else
            change.Sizing = new Sizing.Explicit((int)instance.Cpus!.Value + 1, instance.Memory!.Value);
    }

    private static void MoreMemory(InstanceChange change, Instance instance)
    {
        if (instance.Kind == InstanceKind.Container)
            change.MemoryLimit = new ByteSize((instance.Memory ?? throw new CheckSkippedException("The target's container has no limit of memory that could be raised.")).Bytes * 2);
        else
            change.Sizing = new Sizing.Explicit((int)(instance.Cpus ?? 1), new ByteSize(instance.Memory!.Value.Bytes * 2));
    }

    private static Task<Instance> CreateAsync(CheckContext c, InstanceSpec spec) => c.BeginCreateAsync(spec).WaitForCompletionAsync(c.Token);

    private static async Task<Instance> CreateRunningAsync(CheckContext c, InstanceSpec spec) => await c.StartAsync((await CreateAsync(c, spec).ConfigureAwait(false)).Id).ConfigureAwait(false);

    private static async Task CreateMachine(CheckContext c, InstanceSpec spec)
    {
        if (spec is VirtualMachineSpec)
            await c.GetAsync((await CreateAsync(c, spec).ConfigureAwait(false)).Id).ConfigureAwait(false);
        else if (c.Backend.TryGet<IHypervisor>(out _))
            throw new CheckSkippedException("The target offers containers: machines are checked by a target that offers them.");
        else
            throw new CapabilityMissingException("There is no IHypervisor.");
    }

    private static async Task CreateContainer(CheckContext c, InstanceSpec spec)
    {
        if (spec is ContainerSpec)
            await c.GetAsync((await CreateAsync(c, spec).ConfigureAwait(false)).Id).ConfigureAwait(false);
        else if (c.Backend.TryGet<IContainerRuntime>(out _))
            throw new CheckSkippedException("The target offers machines: containers are checked by a target that offers them.");
        else
            throw new CapabilityMissingException("There is no IContainerRuntime.");
    }

    /// <summary>To each place that there is: another node, another backend.</summary>
    private static async Task Migrate(CheckContext c, InstanceSpec spec)
    {
        var migration = Feature<IMigration>(c);
        bool isElsewhere = await MoveElsewhereAsync(c, migration).ConfigureAwait(false);
        var running = await CreateRunningAsync(c, spec).ConfigureAwait(false);
        var node = await OtherNodeAsync(c, running).ConfigureAwait(false);
        if (node is null && !isElsewhere)
            throw new CheckSkippedException("There is one node only and no other backend, and nowhere to move.");
        if (node is not null)
            c.RequireEqual(node, (await MoveAsync(c, migration, running, new MigrationTarget { Node = node }).ConfigureAwait(false)).Node, "The node of an instance that moved");
    }

    /// <summary>A backend that does not say on which node an instance is moves none between nodes.</summary>
    public static async Task<NodeName?> OtherNodeAsync(CheckContext c, Instance running)
    {
        NodeName? other = null;
        if (running.Node is not { } own || !c.Backend.TryGet<INodes>(out var nodes))
            return null;
        await foreach (var node in nodes.ListAsync(c.Token).ConfigureAwait(false))
            other = node.Name != own && node.IsOnline ? node.Name : other;
        return other;
    }

    private static async Task<bool> MoveElsewhereAsync(CheckContext c, IMigration migration)
    {
        if (await c.ConnectElsewhereAsync().ConfigureAwait(false) is not { } there || c.Target.NewInstanceFor(Capability.LiveMigration, c.NewName()) is not { } spec)
            return false;
        var running = await CreateRunningAsync(c, spec).ConfigureAwait(false);
        var subscription = await c.ComputeOf(there).WatchAsync(null, c.Token).ConfigureAwait(false);
        await using (((IAsyncDisposable)subscription).ConfigureAwait(false))
        {
            await MoveAsync(c, migration, running, new MigrationTarget { Backend = there.Name }).ConfigureAwait(false);
            // It comes there running; that is told as its one start, or not at all.
            await RequireStartsAsync(c, subscription, there, running.Id, isUp: false, most: 1, $"moved to '{there.Name}'").ConfigureAwait(false);
        }

        // Its id may be another's by now.
        c.Require((await c.Compute.FindAsync(running.Id, c.Token).ConfigureAwait(false))?.Incarnation != running.Incarnation, $"'{running.Name}' has moved to '{there.Name}' and is still where it was.");
        var found = await c.ComputeOf(there).FindAsync(running.Id, c.Token).ConfigureAwait(false) ?? throw new CheckFailedException($"'{running.Name}' has moved to '{there.Name}' and is not found there.");
        c.RequireEqual(running.Name, found.Name, "The name of an instance that moved to another backend");
        c.RequireEqual(running.Incarnation, found.Incarnation, "The incarnation that the other backend says of an instance that moved there");
        c.RequireEqual(PowerState.Running, found.State, "The state that the other backend says of an instance that moved there while it ran");
        return true;
    }

    private static async Task<Instance> MoveAsync(CheckContext c, IMigration migration, Instance running, MigrationTarget to)
    {
        var check = await migration.CheckAsync(running.Id, to, c.Token).ConfigureAwait(false);
        if (!check.IsPossible)
            throw new CapabilityMissingException(string.Join(" ", check.Obstacles)) { IsOfDriver = true };
        var subscription = await c.Compute.WatchAsync(null, c.Token).ConfigureAwait(false);
        await using (((IAsyncDisposable)subscription).ConfigureAwait(false))
        {
            var moved = await migration.MigrateAsync(running.Id, to, null, null, c.Token).WaitForCompletionAsync(c.Token).ConfigureAwait(false);
            c.RequireEqual(PowerState.Running, moved.State, "The state of an instance that moved while it ran");
            c.RequireEqual(running.Incarnation, moved.Incarnation, "The incarnation of an instance that moved");
            c.RequireEqual(running.Id, moved.Id, "The id of an instance that moved");
            await RequireStartsAsync(c, subscription, c.Backend, running.Id, isUp: true, most: 0, "moved").ConfigureAwait(false);
            return moved;
        }
    }

    /// <summary>Requires that a watch has told no more starts of an instance than there may be. What it tells of one that is made now comes after them.</summary>
    private static async Task RequireStartsAsync(CheckContext c, Subscription subscription, IBackend backend, InstanceId id, bool isUp, int most, string what)
    {
        var last = await c.BeginCreateAsync(c.NewSpec(), null, backend).WaitForCompletionAsync(c.Token).ConfigureAwait(false);
        var seen = await EventChecks.UntilAsync(c, subscription, "the creation of an instance", next => next is InstanceCreated created && created.Id == last.Id).ConfigureAwait(false);
        int starts = 0;
        foreach (var to in seen.OfType<InstanceStateChanged>().Where(changed => changed.Id == id).Select(changed => changed.To))
        {
            if (to == PowerState.Running && !isUp)
                starts++;
            // What is paused, or on its way to somewhere, has not ended yet.
            isUp = to == PowerState.Running || (isUp && to != PowerState.Stopped && to != PowerState.Crashed && to != PowerState.Suspended);
        }

        c.Require(starts <= most, $"An instance {what}, and a watch tells that it was started {starts} times meanwhile, where {(most == 0 ? "it runs on" : "what it had in memory goes on")}: {CheckContext.Print(seen.OfType<InstanceStateChanged>().Where(changed => changed.Id == id).Select(changed => changed.To.ToString()))}.");
    }

    private static async Task PlugAsync(CheckContext c, InstanceSpec spec, Action<InstanceChange, Instance> change, Func<Instance, Instance, bool> isThere)
    {
        var running = await CreateRunningAsync(c, spec).ConfigureAwait(false);
        var wanted = new InstanceChange();
        change(wanted, running);
        var plan = await c.Compute.PlanAsync(running.Id, wanted, c.Token).ConfigureAwait(false);
        if (!plan.IsPossible)
            throw new CapabilityMissingException(plan.Steps.First(step => step.Impossible is not null).Impossible!) { IsOfDriver = true };
        if ((plan.Effects & (ChangeEffects.AtNextStart | ChangeEffects.RestartsInstance | ChangeEffects.ReplacesInstance)) != 0)
            throw new CapabilityMissingException($"The effects would be {plan.Effects}.");
        var after = await c.Compute.ApplyAsync(plan, new ApplyOptions { Accept = plan.Effects }, null, c.Token).WaitForCompletionAsync(c.Token).ConfigureAwait(false);
        c.RequireEqual(PowerState.Running, after.State, "The state after a change that takes effect at once");
        c.RequireEqual(running.StartedAt, after.StartedAt, "The time of the start after a change that takes effect at once");
        c.Require(isThere(running, after), "A change whose plan says that it takes effect at once cannot be seen after it was applied.");
        c.Require(!after.HasPendingChanges, "Changes are pending after one whose plan says that it takes effect at once.");
    }

    /// <summary>A caller sees no difference but the time that it takes: the target looks from outside.</summary>
    private static async Task HardwareAcceleration(CheckContext c, InstanceSpec spec)
    {
        var running = await CreateRunningAsync(c, spec).ConfigureAwait(false);
        bool isAccelerated = await c.Target.IsAcceleratedAsync(running.Id, c.Token).ConfigureAwait(false)
            ?? throw new CheckSkippedException(c.WhyNot(ConformanceAbility.SeeAcceleration)!);
        if (!isAccelerated)
            throw new CapabilityMissingException("Seen from outside, no processor runs the guest's code itself.");
    }

    /// <summary>A directory that is a container's root may have no size of its own.</summary>
    private static ByteSize SizeOf(DiskDevice disk) => disk.Size ?? throw new CapabilityMissingException($"How large the disk '{disk.Id}' is, is not said.");

    private static DiskDevice DiskOf(Instance instance) => instance.Disks.Count > 0 ? instance.Disks[0] : throw new CapabilityMissingException("The instance has no disk.");

    private static async Task PlugNetwork(CheckContext c, InstanceSpec spec)
    {
        string? network = null;
        if (c.Backend.TryGet<INetworks>(out var networks))
        {
            await foreach (var candidate in networks.ListAsync(c.Token).ConfigureAwait(false))
                network ??= candidate.Name;
        }

        if (network is null)
            throw new CapabilityMissingException("There is no network to join.");
        await PlugAsync(c, spec, (change, _) => change.AddNetworks.Add(new NetworkSpec { Network = network }), (before, after) => after.Networks.Count == before.Networks.Count + 1).ConfigureAwait(false);
    }

    private static async Task SnapshotAsync(CheckContext c, InstanceSpec spec, bool memory)
    {
        var snapshots = Feature<ISnapshots>(c);
        var instance = memory ? await CreateRunningAsync(c, spec).ConfigureAwait(false) : await CreateAsync(c, spec).ConfigureAwait(false);
        var taken = await snapshots.CreateAsync(instance.Id, new SnapshotSpec { Name = SnapshotName.Parse("a"), IncludeMemory = memory }, null, c.Token).WaitForCompletionAsync(c.Token).ConfigureAwait(false);
        c.RequireEqual(memory, taken.IncludesMemory, "That a snapshot includes the memory");
        int listed = 0;
        await foreach (var snapshot in snapshots.ListAsync(instance.Id, c.Token).ConfigureAwait(false))
            listed += snapshot.Name == taken.Name && snapshot.IncludesMemory == memory ? 1 : 0;
        c.RequireEqual(1, listed, "How often a snapshot that was taken is listed as what it is");
        if (memory)
            await ReturnAsync(c, snapshots, instance.Id, SnapshotName.Parse(taken.Name)).ConfigureAwait(false);
    }

    /// <summary>Goes back to memory that was kept, from where there is none: it is put back in one start. Whether that start loads it or boots cannot be told apart from here; a second start can.</summary>
    public static async Task ReturnAsync(CheckContext c, ISnapshots snapshots, InstanceId id, SnapshotName snapshot)
    {
        await c.StopAsync(id).ConfigureAwait(false);
        var subscription = await c.Compute.WatchAsync(null, c.Token).ConfigureAwait(false);
        await using (((IAsyncDisposable)subscription).ConfigureAwait(false))
        {
            c.RequireEqual(PowerState.Running, (await snapshots.RevertAsync(id, snapshot, null, c.Token).WaitForCompletionAsync(c.Token).ConfigureAwait(false)).State, "The state after going back to a snapshot with memory");
            await RequireStartsAsync(c, subscription, c.Backend, id, isUp: false, most: 1, "went back to a snapshot with memory").ConfigureAwait(false);
        }
    }

    private static async Task LinkedClone(CheckContext c, InstanceSpec spec)
    {
        var cloning = Feature<ICloning>(c);
        var source = await CreateAsync(c, spec).ConfigureAwait(false);
        if (c.Backend.TryGet<ITemplates>(out var templates))
            await templates.ConvertToTemplateAsync(source.Id, null, c.Token).WaitForCompletionAsync(c.Token).ConfigureAwait(false);
        var clone = await cloning.CloneAsync(source.Id, new CloneSpec { Name = c.NewName(), Mode = CloneMode.Linked }, null, c.Token).WaitForCompletionAsync(c.Token).ConfigureAwait(false);
        c.Require(clone.Id != source.Id && await c.Compute.FindAsync(clone.Id, c.Token).ConfigureAwait(false) is not null, "A linked clone that was made is not there.");
        if (templates is not null)
            await c.RefusedAsync("Deleting what a linked clone lies upon", () => c.DeleteAsync(source.Id), ErrorCode.InvalidState).ConfigureAwait(false);
    }

    private static async Task SerialConsole(CheckContext c, InstanceSpec spec)
    {
        var console = Feature<ISerialConsole>(c);
        var running = await CreateRunningAsync(c, spec).ConfigureAwait(false);
        var session = await console.OpenAsync(running.Id, null, c.Token).ConfigureAwait(false);
        await session.DisposeAsync().ConfigureAwait(false);
    }

    private static async Task GraphicsConsole(CheckContext c, InstanceSpec spec)
    {
        var console = Feature<IGraphicsConsole>(c);
        var running = await CreateRunningAsync(c, spec).ConfigureAwait(false);
        var picture = await console.CaptureAsync(running.Id, c.Token).ConfigureAwait(false);
        c.Require(picture.MediaType.StartsWith("image/", StringComparison.Ordinal) && picture.Content.Length > 0, $"A picture of the screen is '{picture.MediaType}' of {picture.Content.Length} bytes.");
    }

    private static async Task AtomicRevision(CheckContext c, InstanceSpec spec)
    {
        var other = await c.ConnectAsync().ConfigureAwait(false);
        var made = await CreateAsync(c, spec).ConfigureAwait(false);
        var plan = await c.Compute.PlanAsync(made.Id, new InstanceChange { Description = "first" }, c.Token).ConfigureAwait(false);
        await c.ComputeOf(other).ChangeAsync(made.Id, new InstanceChange { Description = "second" }, new ApplyOptions { Accept = CheckContext.Everything }, null, c.Token).WaitForCompletionAsync(c.Token).ConfigureAwait(false);
        try
        {
            await c.Compute.ApplyAsync(plan, new ApplyOptions { Accept = CheckContext.Everything }, null, c.Token).WaitForCompletionAsync(c.Token).ConfigureAwait(false);
        }
        catch (HypervisorException error) when (error.Code == ErrorCode.Conflict)
        {
            // A driver that compares by itself may see this too: a no promises only that it need not.
            if ((await c.Backend.QueryAsync(Capability.AtomicRevision, default, c.Token).ConfigureAwait(false)).Support == CapabilitySupport.No)
                throw new CapabilityMissingException("The driver compares, not the backend.");
            return;
        }

        throw new CapabilityMissingException("A change for a revision that another client has moved is made.");
    }

    private static async Task UniqueNames(CheckContext c, InstanceSpec spec)
    {
        var first = await CreateAsync(c, spec).ConfigureAwait(false);
        try
        {
            await c.CreateAsync(second => second.Name = InstanceName.Parse(first.Name)).ConfigureAwait(false);
        }
        catch (HypervisorException error) when (error.Code == ErrorCode.AlreadyExists)
        {
            return;
        }

        throw new CapabilityMissingException("A second instance of the name was created.");
    }

    private static async Task ResumableOperations(CheckContext c, InstanceSpec spec)
    {
        var operation = await c.BeginCreateAsync(spec).ConfigureAwait(false);
        await operation.WaitAsync(c.Token).ConfigureAwait(false);
        if (operation.Token is not { } token)
            throw new CapabilityMissingException("The operation has no token.");
        if (await Feature<IOperations>(c).ResumeAsync(token, c.Token).ConfigureAwait(false) is null)
            throw new CapabilityMissingException("The operation of the token is not kept.");
    }

    private static async Task RequestLog(CheckContext c, InstanceSpec spec)
    {
        var log = Feature<IRequestLog>(c);
        var request = new RequestOptions { RequestId = RequestId.New() };
        await c.BeginCreateAsync(spec, request).WaitForCompletionAsync(c.Token).ConfigureAwait(false);
        if ((await log.LookUpAsync(request.RequestId.Value, c.Token).ConfigureAwait(false)).State != RequestState.Succeeded)
            throw new CapabilityMissingException("A request that succeeded is not looked up as succeeded.");
    }

    private static async Task WithMachineAsync(CheckContext c, InstanceSpec spec, Capability capability, Action<VirtualMachineSpec> configure)
    {
        if (spec is not VirtualMachineSpec machine)
            throw new CapabilityMissingException("It is for virtual machines.");
        configure(machine);
        await RequireSeenAsync(c, capability, await CreateAsync(c, machine).ConfigureAwait(false)).ConfigureAwait(false);
    }

    /// <summary>What no call says of an instance, the target may see from outside; where it does not, that it was accepted is all that is found out.</summary>
    private static async Task RequireSeenAsync(CheckContext c, Capability capability, Instance made) =>
        c.Require(await c.Target.HasAsync(made.Id, capability, c.Token).ConfigureAwait(false) ?? true, $"An instance was made that was to have what '{capability}' stands for, and seen from outside it has not.");

    private static async Task CloudInit(CheckContext c, InstanceSpec spec)
    {
        spec.CloudInit = new CloudInitData { UserData = "#cloud-config\n{}\n", HostName = "conformance" };
        await RequireSeenAsync(c, Capability.CloudInit, await CreateAsync(c, spec).ConfigureAwait(false)).ConfigureAwait(false);
    }

    private static async Task NetworkMetrics(CheckContext c, InstanceSpec spec)
    {
        var metrics = Feature<IMetrics>(c);
        if (c.Backend.TryGet<INetworks>(out var networks))
        {
            await foreach (var network in networks.ListAsync(c.Token).ConfigureAwait(false))
            {
                spec.Networks.Add(new NetworkSpec { Network = network.Name });
                break;
            }
        }

        var running = await CreateRunningAsync(c, spec).ConfigureAwait(false);
        await foreach (var sample in metrics.SampleAsync(new InstanceFilter { Name = running.Name }, c.Token).ConfigureAwait(false))
        {
            if (sample.Id != running.Id)
                continue;
            if (sample.NetworkReceivedBytes is null || sample.NetworkSentBytes is null)
                throw new CapabilityMissingException($"A counter is missing: {sample.Unavailable.GetValueOrDefault(sample.NetworkReceivedBytes is null ? nameof(sample.NetworkReceivedBytes) : nameof(sample.NetworkSentBytes))}");
            return;
        }

        throw new CapabilityMissingException("A running instance is not sampled.");
    }

    /// <summary>What a capability promises does not succeed.</summary>
    private sealed class CapabilityMissingException(string message) : Exception(message)
    {
        /// <summary>Whether the message is the driver's own.</summary>
        public bool IsOfDriver { get; init; }
    }
}
