namespace Hypervisor.Sdk.Conformance.Tests.Lies;

/// <content>Snapshots, clones, templates, further features, volumes, capabilities.</content>
internal static partial class LieTable
{
    private static Lie[] Snapshots() =>
    [
        On("SNAP-01", LieBase.Qemu, "knows no parents", "ListAsync", call => Answers.Items<Snapshot>(call.Next(), snapshot => [Copy.With(snapshot, (nameof(snapshot.Parent), null))])),
        OnAsync<Operation<Instance>>("SNAP-02", LieBase.Qemu, "starts what it brings back", "RevertAsync", async call =>
        {
            await (await (Task<Operation<Instance>>)call.Next()!).WaitAsync();
            return await call.Hypervisor.StartAsync(call.Id);
        }),
        On("SNAP-03", LieBase.Qemu, "forgets whose children they were", "ListAsync", call => Answers.Items<Snapshot>(call.Next(), snapshot => [snapshot.Name == "c" ? Copy.With(snapshot, (nameof(snapshot.Parent), "b")) : snapshot])),
        On("SNAP-04", LieBase.Qemu, "keeps what has the name already", "CreateAsync", call => call.Arguments[0] is InstanceId ? Answers.Instead<Operation<Snapshot>>(call, ErrorCode.AlreadyExists, _ => Task.FromResult(Answers.Done(new Snapshot { Name = "a", CreatedAt = DateTimeOffset.UnixEpoch }))) : call.Next()),
        On("SNAP-05", LieBase.Qemu, "reads no request id when it takes snapshots", "CreateAsync", call => call.Arguments[0] is InstanceId ? call.NextWithout(nameof(RequestOptions.RequestId)) : call.Next()),
        On("SNAP-06", LieBase.Qemu, "leaves the memory out", "CreateAsync", call => call.Arguments[0] is InstanceId ? call.NextWith<SnapshotSpec>(spec => new SnapshotSpec { Name = spec!.Name }) : call.Next()),
        OnAsync<Operation<Instance>>("CLON-01", LieBase.Qemu, "gives a clone the incarnation of its source", "CloneAsync", async call =>
        {
            var source = await call.Hypervisor.GetAsync(call.Id);
            var clone = await (await (Task<Operation<Instance>>)call.Next()!).WaitAsync();
            return Answers.Done(Copy.With(clone, (nameof(clone.Incarnation), source.Incarnation)));
        }),
        On("CLON-02", LieBase.Qemu, "says that it has cloned what runs", "CloneAsync", call => Answers.Instead<Operation<Instance>>(call, ErrorCode.InvalidState, _ => Answers.NothingDone(call))),
        On("CLON-05", LieBase.Qemu, "returns what has the name already", "CloneAsync", call => Answers.Instead<Operation<Instance>>(call, ErrorCode.AlreadyExists, _ => Answers.NothingDone(call))),
        Without("CLON-03", LieBase.Qemu, "reads no request id when it clones", "CloneAsync", nameof(RequestOptions.RequestId)),
        On("CLON-04", LieBase.Qemu, "says that it has deleted what is needed", "DeleteAsync", call => call.Arguments.Any(argument => argument is SnapshotName) ? call.Next() : Answers.Instead<Operation>(call, ErrorCode.InvalidState, async _ => Answers.Done(await call.Hypervisor.GetAsync(call.Id)))),
        Saying("TMPL-01", LieBase.Qemu, "does not say what is a template", instance => Copy.With(instance, (nameof(Instance.IsTemplate), false))),
        On("TMPL-02", LieBase.Qemu, "makes templates of what runs", "ConvertToTemplateAsync", call => Answers.Instead<Operation<Instance>>(call, ErrorCode.InvalidState, _ => Answers.NothingDone(call))),
    ];

    private static Lie[] Features() =>
    [
        On("FEAT-01", LieBase.Qemu, "does not say why counters are missing", "SampleAsync", call => Answers.Items<InstanceMetrics>(call.Next(), sample => [Copy.With(sample, (nameof(sample.Unavailable), new Dictionary<string, string>()), (nameof(sample.DiskReadBytes), null))])),
        On("FEAT-02", LieBase.Qemu, "says of every node that it does not answer", "ListAsync", call => Answers.Items<Node>(call.Next(), node => [Copy.With(node, (nameof(node.IsOnline), false))])),
        On("FEAT-03", LieBase.Qemu, "lists networks twice", "ListAsync", call => Answers.Items<Network>(call.Next(), network => [network, network])),
        On("FEAT-04", LieBase.Qemu, "lists an image without an id", "ListAsync", _ => new[] { new Image { Id = "", Name = "", Kind = "disk" } }.ToAsyncEnumerable()),
        On("FEAT-05", LieBase.Qemu, "hands out empty documents", "GetAsync", _ => Task.FromResult(new NativeDocument("application/json", default))),
        On("FEAT-06", LieBase.Qemu, "claims nothing of a lane", "GetClaimsAsync", _ => new ValueTask<IReadOnlyList<LaneClaim>>([new LaneClaim { Key = LaneKey.Parse("x"), Mode = LaneMode.Shared, Weight = 0 }])),
        On("FEAT-07", LieBase.Qemu, "takes every console over", "OpenAsync", call => call.NextWith<ConsoleOptions>(_ => new ConsoleOptions { TakeOver = true })),
        On("FEAT-08", LieBase.Qemu, "shows the screen of what is stopped", "CaptureAsync", _ => Task.FromResult(new NativeDocument("image/png", default))),
        On("FEAT-09", LieBase.Featured, "has an agent without a name", "GetInfoAsync", _ => Task.FromResult(new GuestInfo { Agent = "" })),
        On("FEAT-10", LieBase.Featured, "keeps more than was asked for", "RunAsync", call => call.NextWith<CommandSpec>(spec => Copy.With(spec!, (nameof(spec.MaxOutputBytes), 1 << 20)))),
        On("FEAT-11", LieBase.Featured, "runs another command", "StartAsync", call => call.NextWith<CommandSpec>(spec => Copy.With(spec!, (nameof(spec.Command), new[] { "false" })))),
        On("FEAT-12", LieBase.Featured, "writes nothing", "WriteAsync", call => call.NextWith<Stream>(_ => new MemoryStream())),
        On("FEAT-13", LieBase.Featured, "goes on from checkpoints that there are not", "BeginAsync", call =>
        {
            call.Arguments[1] = null;
            return call.Next();
        }),
        On("FEAT-14", LieBase.Featured, "removes no forward", "RemoveAsync", _ => Task.FromResult(true)),
        On("FEAT-15", LieBase.Featured, "sees no obstacle", "CheckAsync", _ => Task.FromResult(new MigrationCheck { Obstacles = [] })),
        On("FEAT-16", LieBase.Qemu, "runs commands in what is stopped", "RunAsync", _ => Task.FromResult(new CommandResult { ExitCode = 0, Output = default, Error = default })),
        On("FEAT-17", LieBase.Qemu, "presses every key", "PressAsync", _ => Task.CompletedTask),
        Refusing<PortForward>("FEAT-18", LieBase.Featured, "does not know whether a port that is taken was added", "AddAsync", error => Answers.Error(error.Code, error.Message, RequestOutcome.Unknown)),
        Refusing<GraphicsSession>("FEAT-19", LieBase.Containers, "takes a container for what is not there when it is asked for its screen", "OpenAsync", error => Answers.Error(ErrorCode.NotFound, error.Message)),
    ];

    private static Lie[] Models() =>
    [
        OnAsync<Operation<Instance>>("MODEL-01", LieBase.Toy, "forgets labels when it is restarted", "RestartAsync", async call =>
        {
            var restarted = await (await (Task<Operation<Instance>>)call.Next()!).WaitAsync();
            if (restarted.Labels.ContainsKey("times"))
            {
                var change = new InstanceChange();
                change.Labels["times"] = null;
                restarted = await call.Hypervisor.ChangeAsync(restarted.Id, change).WaitForCompletionAsync();
            }

            return Answers.Done(restarted);
        }),
    ];

    private static Lie[] Storage() =>
    [
        On("STOR-01", LieBase.Directory, "lists no pool", "ListPoolsAsync", call => Answers.Items<StoragePool>(call.Next(), _ => [])),
        OnAsync<Volume?>("STOR-02", LieBase.Directory, "rounds sizes up when it is asked", "FindAsync", async call => await (Task<Volume?>)call.Next()! is { } volume ? Copy.With(volume, (nameof(volume.Size), new ByteSize(volume.Size.Bytes + 1))) : null),
        Without("STOR-03", LieBase.Directory, "reads no request id when it creates", "CreateAsync", nameof(RequestOptions.RequestId)),
        On("STOR-04", LieBase.Directory, "returns what has the name already", "CreateAsync", call => Answers.Instead<Operation<Volume>>(call, ErrorCode.AlreadyExists, _ => AnyVolumeAsync(call))),
        On("STOR-05", LieBase.Directory, "says that it has made smaller what it has not", "ResizeAsync", call => Answers.Instead<Operation<Volume>>(call, ErrorCode.InvalidArgument, _ => AnyVolumeAsync(call))),
        Refusing<Operation>("STOR-06", LieBase.Directory, "has another word for what is not there", "DeleteAsync", error => Answers.Error(ErrorCode.InvalidArgument, error.Message)),
        On("STOR-07", LieBase.Directory, "links what it is to copy", "CloneAsync", call =>
        {
            call.Arguments[2] = CloneMode.Linked;
            return call.Next();
        }),
        On("STOR-08", LieBase.Directory, "says that it has deleted what is needed", "DeleteAsync", call => Answers.Instead<Operation>(call, ErrorCode.InvalidState, async _ => await AnyVolumeAsync(call))),
        On("STOR-09", LieBase.Directory, "lets everybody in", "AttachAsync", ForReading),
        On("STOR-10", LieBase.Directory, "lets writers in beside readers", "AttachAsync", ForReading),
        On("STOR-11", LieBase.Directory, "hands out what nobody accepts", "AttachAsync", call => call.NextWith<VolumeConsumer>(consumer => Copy.With(consumer!, (nameof(consumer.AcceptedKinds), new[] { "file" })))),
        On("STOR-12", LieBase.Directory, "hands nothing over", "AttachAsync", call => call.Arguments[2] is VolumeAccess.MigrationHandover ? throw Answers.Error(ErrorCode.Locked) : call.Next()),
        On("STOR-13", LieBase.Directory, "lists the first twice", "ListVolumes", call => new ChangedList<Volume>((PagedList<Volume>)call.Next()!, page => page.Items.Count == 0 ? page : Copy.With(page, (nameof(page.Items), page.Items.Prepend(page.Items[0]).ToList())))),
        LookingUp("STOR-14", LieBase.Directory, "keeps no log", RequestState.NeverSeen),
        On("STOR-15", LieBase.Directory, "makes names good", "CreateAsync", call => call.NextWith<VolumeSpec>(spec =>
        {
            spec!.Name = spec.Name is { } name ? new string([.. name.Where(char.IsAsciiLetterOrDigit).Take(40)]) + "x" : null;
            return spec;
        })),
        On("STOR-16", LieBase.Directory, "flattens nothing", "FlattenAsync", call => AnyVolumeAsync(call)),
        Refusing<Operation>("STOR-17", LieBase.Directory, "has another word for a pool that is not empty", "DeletePoolAsync", error => Answers.Error(ErrorCode.Conflict, error.Message)),
        On("STOR-18", LieBase.Directory, "returns what has the name already", "CreateAsync", call => Answers.Instead<Operation<Volume>>(call, ErrorCode.AlreadyExists, _ => AnyVolumeAsync(call))),
        On("STRM-01", LieBase.Directory, "loses the end of what is downloaded", "DownloadAsync", Shortened),
        On("STRM-02", LieBase.Directory, "does not look at hashes", "UploadAsync", call => call.NextWith<VolumeUploadOptions>(options => Copy.With(options!, (nameof(options.Sha256), null)))),
        OnAsync<Volume>("STRM-03", LieBase.Directory, "keeps the beginning of what was cancelled", "UploadAsync", async call =>
        {
            try
            {
                return await (Task<Volume>)call.Next()!;
            }
            catch (OperationCanceledException)
            {
                var spec = (VolumeSpec)call.Arguments[0]!;
                spec.Size = ByteSize.FromMiB(4);
                await call.Client.Get<IStorageBackend>().CreateAsync(spec).WaitForCompletionAsync();
                throw;
            }
        }),
        On("STRM-04", LieBase.Directory, "loses the end of what is downloaded", "DownloadAsync", Shortened),
    ];

    private static object? ForReading(Call call)
    {
        call.Arguments[2] = VolumeAccess.ReadOnlyMany;
        return call.Next();
    }

    private static async Task<Stream> Shortened(Call call)
    {
        await using var honest = await (Task<Stream>)call.Next()!;
        var copy = new MemoryStream();
        await honest.CopyToAsync(copy);
        copy.SetLength(copy.Length - 1);
        copy.Position = 0;
        return copy;
    }

    private static async Task<Operation<Volume>> AnyVolumeAsync(Call call)
    {
        await foreach (var volume in call.Client.Get<IStorageBackend>().ListVolumes(PoolName.Parse("hvconf")))
            return Answers.Done(volume);
        throw new InvalidOperationException("There is no volume.");
    }

    private static IEnumerable<Lie> Capabilities() =>
    [
        On("CAP-01", LieBase.Toy, "says no and not why", "QueryAsync", _ => new ValueTask<CapabilityAnswer>(CapabilityAnswer.No(" "))),
        On("CAP-02", LieBase.Toy, "can do everything", "QueryAsync", _ => new ValueTask<CapabilityAnswer>(CapabilityAnswer.Yes)),
        On("CAP-03", LieBase.Toy, "says that it runs no machines", "QueryAsync", _ => new ValueTask<CapabilityAnswer>(CapabilityAnswer.No("It is a toy."))),
        .. CapabilityChecks.Exercised.Select((capability, index) => capability == Capability.AtomicRevision ? On(FormattableString.Invariant($"CAP-{index + 10}"), LieBase.Toy, "compares no revision and says that it does", "ApplyAsync", ApplyAnewAsync)
            : On(FormattableString.Invariant($"CAP-{index + 10}"), BaseOf(capability), $"lies about {capability}", "QueryAsync", call => new ValueTask<CapabilityAnswer>(OppositeAsync(call, capability)))),
    ];

    private static LieBase BaseOf(Capability capability) => capability == Capability.MigrationHandover ? LieBase.Directory : capability == Capability.GuestAgent || capability == Capability.ChangeMedia || capability == Capability.LimitDisks ? LieBase.Simulation : LieBase.Toy;

    /// <summary>What cannot be done is refused, and somebody is told something else about it.</summary>
    private static IEnumerable<Lie> FalseReasons() =>
    [
        Refusing<Operation<Instance>>("CAP-28", LieBase.Toy, "does not say why there is no TPM", "CreateAsync", error => Answers.Error(error.Code, "It is not possible today.", error.Outcome)),
        Refusing<Operation<Instance>>("CAP-27", LieBase.Toy, "takes UEFI for a bad argument", "CreateAsync", error => Answers.Error(ErrorCode.InvalidArgument, error.Message, error.Outcome)),
        OnAsync<ChangePlan>("CAP-14", LieBase.Toy, "has another reason in its plans", "PlanAsync", async call =>
        {
            var plan = await (Task<ChangePlan>)call.Next()!;
            return Copy.With(plan, (nameof(plan.Steps), plan.Steps.Select(step => step.Impossible is null ? step : Copy.With(step, (nameof(step.Impossible), "Not today."))).ToList()));
        }),
        On("CAP-33", LieBase.Qemu, "has no agent and lets itself be asked", "QueryAsync", call => call.Arguments[0] is Capability asked && asked == Capability.GuestAgent ? new ValueTask<CapabilityAnswer>(CapabilityAnswer.No("It says so.")) : call.Next()),
    ];

    /// <summary>What is answered with yes, and is not done though it is said to be.</summary>
    private static IEnumerable<Lie> EmptyPromises() =>
    [
        OnAsync<Operation<Instance>>("CAP-10", LieBase.Simulation, "makes machines that are not there", "CreateAsync", call => GoneAsync(call)),
        OnAsync<Operation<Instance>>("CAP-11", LieBase.Containers, "makes containers that are not there", "CreateAsync", call => GoneAsync(call)),
        OnAsync<Operation<Instance>>("CAP-12", LieBase.Simulation, "starts anew on the other node what it has moved", "MigrateAsync", async call =>
        {
            var moved = await (await (Task<Operation<Instance>>)call.Next()!).WaitAsync();
            return ((MigrationTarget)call.Arguments[1]!).Node is null ? Answers.Done(moved) : await call.Hypervisor.RestartAsync(call.Id, new StopOptions { GracePeriod = TimeSpan.Zero });
        }),
        OnAsync<Operation<Instance>>("CAP-12", LieBase.Simulation, "starts anew what it moves to another backend", "MigrateAsync", async call =>
        {
            if (((MigrationTarget)call.Arguments[1]!).Backend is not null)
                await call.Hypervisor.RestartAsync(call.Id, new StopOptions { GracePeriod = TimeSpan.Zero }).WaitForCompletionAsync();
            return await (Task<Operation<Instance>>)call.Next()!;
        }),
        .. new[] { 13, 14, 15, 16, 17, 32, 35 }.Select(number => OnAsync<Operation<Instance>>(FormattableString.Invariant($"CAP-{number}"), LieBase.Simulation, "says that it has changed what it has not", "ApplyAsync",
            async call => Answers.Done(await call.Hypervisor.GetAsync(((ChangePlan)call.Arguments[0]!).Instance.Id)))),
        On("CAP-18", LieBase.Simulation, "says that it has taken a snapshot", "CreateAsync", Pretended),
        On("CAP-19", LieBase.Simulation, "says that it has taken a snapshot with memory", "CreateAsync", Pretended),
        OnAsync<Operation<Instance>>("CAP-19", LieBase.Simulation, "goes back to memory and boots all the same", "RevertAsync", call => ThenRestartedAsync(call)),
        OnAsync<Operation<Instance>>("SNAP-06", LieBase.Simulation, "goes back to memory and boots all the same", "RevertAsync", call => ThenRestartedAsync(call)),
        On("CAP-20", LieBase.Simulation, "copies what it is to link", "CloneAsync", call => call.NextWith<CloneSpec>(spec => new CloneSpec { Name = spec!.Name, Mode = CloneMode.Full })),
        On("CAP-20", LieBase.Simulation, "says that it has cloned what it has not", "CloneAsync", Answers.NothingDone),
        On("CAP-22", LieBase.Simulation, "captures nothing", "CaptureAsync", _ => Task.FromResult(new NativeDocument("image/png", default))),
        On("CAP-24", LieBase.Simulation, "returns the instance that has the name already", "CreateAsync", call => Answers.Instead<Operation<Instance>>(call, ErrorCode.AlreadyExists, async _ => Answers.Done(await FirstAsync(call)))),
        On("CAP-25", LieBase.Simulation, "keeps no operation", "ResumeAsync", call => call.Arguments[0] is OperationToken ? Task.FromResult<Operation?>(null) : call.Next()),
        LookingUp("CAP-26", LieBase.Simulation, "keeps no log", RequestState.NeverSeen),
        Dropping("CAP-27", "drops the firmware", spec => spec.Firmware = Firmware.Default),
        Dropping("CAP-28", "drops the TPM", spec => spec.Tpm = false),
        Dropping("CAP-29", "drops what cloud-init is to read", spec => spec.CloudInit = null),
        On("CAP-30", LieBase.Simulation, "samples nothing", "SampleAsync", call => Answers.Items<InstanceMetrics>(call.Next(), _ => [])),
        On("CAP-30", LieBase.Simulation, "does not count what is sent", "SampleAsync", call => Answers.Items<InstanceMetrics>(call.Next(), sample => [Copy.With(sample, (nameof(sample.NetworkSentBytes), null))])),
        On("CAP-33", LieBase.Simulation, "has an agent without a name", "GetInfoAsync", _ => Task.FromResult(new GuestInfo { Agent = "" })),
        On("CAP-34", LieBase.Directory, "hands nothing over", "AttachAsync", call => call.Arguments[2] is VolumeAccess.MigrationHandover ? throw Answers.Error(ErrorCode.Locked) : call.Next()),
    ];

    /// <summary>Only the real driver has a target that sees what a machine was made with.</summary>
    private static Lie Dropping(string check, string what, Action<VirtualMachineSpec> drop) => On(check, LieBase.Qemu, what, "CreateAsync", call => call.NextWith<VirtualMachineSpec>(spec =>
    {
        drop(spec!);
        return spec;
    }));

    private static async Task<Operation<Instance>> GoneAsync(Call call)
    {
        var made = await (await (Task<Operation<Instance>>)call.Next()!).WaitAsync();
        ICompute compute = call.Arguments[0] is ContainerSpec ? call.Client.Get<IContainerRuntime>() : call.Hypervisor;
        await compute.DeleteAsync(made.Id).WaitForCompletionAsync();
        return Answers.Done(made);
    }

    private static object? Pretended(Call call) =>
        call.Arguments[1] is SnapshotSpec spec ? Task.FromResult(Answers.Done(new Snapshot { Name = spec.Name.ToString(), CreatedAt = DateTimeOffset.UnixEpoch, IncludesMemory = spec.IncludeMemory })) : call.Next();

    private static async Task<Operation<Instance>> ThenRestartedAsync(Call call)
    {
        await (await (Task<Operation<Instance>>)call.Next()!).WaitAsync();
        return await call.Hypervisor.RestartAsync(call.Id, new StopOptions { GracePeriod = TimeSpan.Zero });
    }

    private static async Task<CapabilityAnswer> OppositeAsync(Call call, Capability capability)
    {
        var honest = await (ValueTask<CapabilityAnswer>)call.Next()!;
        if (call.Arguments[0] is not Capability asked || asked != capability)
            return honest;
        return honest.Support == CapabilitySupport.Yes ? CapabilityAnswer.No("It says so.") : CapabilityAnswer.Yes;
    }
}
