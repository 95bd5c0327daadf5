namespace Hypervisor.Sdk.Conformance.Tests.Lies;

/// <content>Backends, the life of an instance, requests, operations.</content>
internal static partial class LieTable
{
    private static Lie[] Backends() =>
    [
        On("CONN-01", LieBase.Toy, "calls itself otherwise", "get_Name", _ => BackendName.Parse("another")),
        On("CONN-02", LieBase.Toy, "is healthy without having asked", "CheckHealthAsync", _ => Task.FromResult(new BackendHealth { IsHealthy = true })),
        On("CONN-03", LieBase.Toy, "shows each client its own only", "FindAsync", call => call.ClientNumber > 1 ? Task.FromResult<Instance?>(null) : call.Next()),
        On("CONN-04", LieBase.Toy, "plays every role", "TryGet", call =>
        {
            // Not those of the contract: what is handed out there must also answer.
            if ((bool)call.Next()! || call.Parameters[0].GetElementType()!.Assembly == typeof(IBackend).Assembly)
                return call.Arguments[0] is not null;
            call.Arguments[0] = System.Reflection.DispatchProxy.Create(call.Parameters[0].GetElementType()!, typeof(LyingProxy));
            return true;
        }),
        DisposeTwiceThrows(),
        On("DISP-02", LieBase.Toy, "switches its machines off when its client is disposed", "DisposeAsync", call => new ValueTask(StopAllAsync(call))),
        On("DISP-03", LieBase.Toy, "lets its watches hang when its client is disposed", "WatchAsync", call => NeverEnding(call)),
    ];

    private static Lie DisposeTwiceThrows()
    {
        var disposed = new HashSet<int>();
        return On("DISP-01", LieBase.Toy, "cannot be disposed twice", "DisposeAsync", call => disposed.Add(call.ClientNumber) ? call.Next() : throw new ObjectDisposedException("toy"));
    }

    private static IEnumerable<Lie> FurtherBackends() =>
    [
        On("CONN-01", LieBase.Toy, "has a token in its endpoint", "get_Info", call => Copy.With((BackendInfo)call.Next()!, (nameof(BackendInfo.Endpoint), new Uri("toy://here/?token=abc")))),
        ByAnother("finds", "FindAsync", (hypervisor, call) => hypervisor.FindAsync(call.Id)),
        ByAnother("lists", "List", (hypervisor, _) => hypervisor.List()),
        ByAnother("starts", "StartAsync", (hypervisor, call) => hypervisor.StartAsync(call.Id)),
        On("NAME-02", LieBase.Featured, "makes an instance of another name before it refuses one", "CreateAsync", call => MakesFirstAsync(call)),
    ];

    /// <summary>What a client that was disposed is asked for, the runner's answers.</summary>
    private static Lie ByAnother(string what, string method, Func<IHypervisor, Call, object?> answer)
    {
        IBackend? first = null;
        return new("DISP-01", LieBase.Toy, $"{what} when it is disposed", call =>
        {
            first ??= call.Client;
            return call.Method == method && call.ClientNumber > 1 ? answer(first.Get<IHypervisor>(), call) : call.Next();
        });
    }

    private static async Task<Operation<Instance>> MakesFirstAsync(Call call)
    {
        var spec = (VirtualMachineSpec)call.Arguments[0]!;
        if (call.Client.Info.Naming.Accepts(spec.Name.ToString(), out _))
            return await (Task<Operation<Instance>>)call.Next()!;
        var bad = spec.Name;
        try
        {
            spec.Name = InstanceName.Parse("hvconf-sent");
            var made = await (await (Task<Operation<Instance>>)call.Next()!).WaitAsync();
            await call.Hypervisor.DeleteAsync(made.Id).WaitForCompletionAsync();
        }
        catch (HypervisorException error) when (error.Outcome == RequestOutcome.Unknown)
        {
            // Whether it was made is nothing to whoever asked for another name.
        }

        spec.Name = bad;
        return await (Task<Operation<Instance>>)call.Next()!;
    }

    private static async Task StopAllAsync(Call call)
    {
        await foreach (var instance in call.Hypervisor.List())
            await call.Hypervisor.StopAsync(instance.Id, new StopOptions { GracePeriod = TimeSpan.Zero }).WaitForCompletionAsync();
        await (ValueTask)call.Next()!;
    }

    private static async Task<Subscription> NeverEnding(Call call) => new ChangedSubscription(await (Task<Subscription>)call.Next()!, next => [next]) { NeverEnds = true };

    private static Lie[] LifeCycle() =>
    [
        Saying("LIFE-01", LieBase.Toy, "forgets descriptions", instance => Copy.With(instance, (nameof(Instance.Description), null))),
        On("LIFE-02", LieBase.Toy, "starts nothing", "StartAsync", Answers.NothingDone),
        On("LIFE-03", LieBase.Toy, "starts anew what runs", "StartAsync", call => call.Hypervisor.RestartAsync(call.Id, new StopOptions { GracePeriod = TimeSpan.Zero })),
        On("LIFE-04", LieBase.Toy, "stops nothing", "StopAsync", Answers.NothingDone),
        OnAsync<Operation<Instance>>("LIFE-05", LieBase.Toy, "refuses to stop what is stopped", "StopAsync", async call => (await call.Hypervisor.GetAsync(call.Id)).State == PowerState.Stopped ? throw Answers.Error(ErrorCode.InvalidState) : await (Task<Operation<Instance>>)call.Next()!),
        On("LIFE-06", LieBase.Toy, "restarts nothing", "RestartAsync", Answers.NothingDone),
        OnAsync<Operation>("LIFE-07", LieBase.Toy, "deletes nothing", "DeleteAsync", async call => Answers.Done(await call.Hypervisor.GetAsync(call.Id))),
        On("LIFE-08", LieBase.Toy, "deletes what runs", "DeleteAsync", call => call.NextWith<DeleteOptions>(_ => new DeleteOptions { StopFirst = true })),
        On("LIFE-09", LieBase.Toy, "does not stop first", "DeleteAsync", call => call.NextWith<DeleteOptions>(_ => new DeleteOptions())),
        Refusing<Operation<Instance>>("LIFE-10", LieBase.Toy, "has another word for what is not there", "StartAsync", error => Answers.Error(ErrorCode.InvalidArgument, error.Message)),
        On("LIFE-11", LieBase.Toy, "takes a default id for one that is not there", "StartAsync", call => call.Id.IsDefault ? throw Answers.Error(ErrorCode.NotFound) : call.Next()),
        On("LIFE-12", LieBase.Toy, "returns the one that has the name already", "CreateAsync", call => Answers.Instead<Operation<Instance>>(call, ErrorCode.AlreadyExists, async _ => Answers.Done(await FirstAsync(call)))),
        Saying("LIFE-13", LieBase.Toy, "takes the name for the incarnation", instance => Copy.With(instance, (nameof(Instance.Incarnation), Incarnation.Parse(instance.Name)))),
        new("LIFE-14", LieBase.Toy, "does not compare incarnations", call => call.NextWithout(nameof(RequestOptions.IfIncarnation))),
        OnAsync<Operation<Instance>>("LIFE-15", LieBase.Qemu, "refuses to pause what is paused", "PauseAsync", async call => (await call.Hypervisor.GetAsync(call.Id)).State == PowerState.Paused ? throw Answers.Error(ErrorCode.InvalidState) : await (Task<Operation<Instance>>)call.Next()!),
        On("LIFE-16", LieBase.Qemu, "pauses what is stopped", "PauseAsync", call => Answers.Instead<Operation<Instance>>(call, ErrorCode.InvalidState, _ => Answers.NothingDone(call))),
        On("LIFE-17", LieBase.Qemu, "resumes what is to be started", "StartAsync", call => Answers.Instead<Operation<Instance>>(call, ErrorCode.InvalidState, _ => call.Client.Get<IPausing>().ResumeAsync(call.Id))),
        On("LIFE-18", LieBase.Qemu, "deletes what is paused", "DeleteAsync", call => call.NextWith<DeleteOptions>(_ => new DeleteOptions { StopFirst = true })),
        On("LIFE-19", LieBase.Qemu, "stops what is to be reset", "ResetAsync", call => call.Hypervisor.StopAsync(call.Id, new StopOptions { GracePeriod = TimeSpan.Zero })),
        On("LIFE-20", LieBase.Featured, "loses what it suspends", "SuspendAsync", call => call.Hypervisor.StopAsync(call.Id, new StopOptions { GracePeriod = TimeSpan.Zero })),
        Saying("LIFE-21", LieBase.Toy, "takes a crash for a stop", instance => instance.State == PowerState.Crashed ? Copy.With(instance, (nameof(Instance.State), PowerState.Stopped)) : instance),
        On("LIFE-22", LieBase.Toy, "forces off whoever does not listen", "StopAsync", call => call.NextWith<StopOptions>(options => options is null ? null : Copy.With(options, (nameof(StopOptions.ForceAfterGrace), true)))),
        On("LIFE-23", LieBase.Toy, "never forces", "StopAsync", call => call.NextWith<StopOptions>(options => options?.GracePeriod > TimeSpan.Zero ? Copy.With(options, (nameof(StopOptions.ForceAfterGrace), false)) : options)),
        OnAsync<Operation<Instance>>("LIFE-24", LieBase.Toy, "refuses to restart what is stopped", "RestartAsync", async call => (await call.Hypervisor.GetAsync(call.Id)).State == PowerState.Stopped ? throw Answers.Error(ErrorCode.InvalidState) : await (Task<Operation<Instance>>)call.Next()!),
        On("LIFE-25", LieBase.Toy, "takes a negative time for none", "StopAsync", call => call.NextWith<StopOptions>(_ => new StopOptions { GracePeriod = TimeSpan.Zero })),
    ];

    private static async Task<Instance> FirstAsync(Call call)
    {
        await foreach (var instance in call.Hypervisor.List())
            return instance;
        throw new InvalidOperationException("There is no instance.");
    }

    /// <summary>Every operation in every state: a lie for each column of the table.</summary>
    private static Lie[] States() =>
    [
        On("STATE-01", LieBase.Simulation, "starts what is stopped and to be resumed", "ResumeAsync", call => Answers.Instead<Operation<Instance>>(call, ErrorCode.InvalidState, _ => call.Hypervisor.StartAsync(call.Id))),
        On("STATE-02", LieBase.Simulation, "starts anew what runs and is to be started", "StartAsync", call => call.Parameters[1] == typeof(RequestOptions) ? AnewAsync(call) : call.Next()),
        On("STATE-03", LieBase.Simulation, "deletes what is paused", "DeleteAsync", call => call.NextWith<DeleteOptions>(_ => new DeleteOptions { StopFirst = true })),
        OnAsync<Operation<Instance>>("STATE-04", LieBase.Simulation, "keeps what was saved when it is stopped", "StopAsync", async call => await IsAsync(call, PowerState.Suspended) ? await Answers.NothingDone(call) : await (Task<Operation<Instance>>)call.Next()!),
        On("STATE-05", LieBase.Simulation, "says that it has paused what has crashed", "PauseAsync", call => Answers.Instead<Operation<Instance>>(call, ErrorCode.InvalidState, _ => Answers.NothingDone(call))),
        On("STATE-06", LieBase.Simulation, "says that it has restarted a template", "RestartAsync", call => Answers.Instead<Operation<Instance>>(call, ErrorCode.InvalidState, _ => Answers.NothingDone(call))),
        On("STATE-11", LieBase.Simulation, "leaves out the memory that there is not", "CreateAsync", call => call.Arguments[0] is InstanceId ? call.NextWith<SnapshotSpec>(spec => new SnapshotSpec { Name = spec!.Name }) : call.Next()),
        On("STATE-12", LieBase.Simulation, "says that it has cloned what runs", "CloneAsync", call => Answers.Instead<Operation<Instance>>(call, ErrorCode.InvalidState, _ => Answers.NothingDone(call))),
        OnAsync<Operation<Instance>>("STATE-13", LieBase.Simulation, "pauses again what has gone back to a snapshot", "RevertAsync", async call =>
        {
            await (await (Task<Operation<Instance>>)call.Next()!).WaitAsync();
            return await call.Client.Get<IPausing>().PauseAsync(call.Id);
        }),
        On("STATE-14", LieBase.Simulation, "says that it has made a template of what is suspended", "ConvertToTemplateAsync", call => Answers.Instead<Operation<Instance>>(call, ErrorCode.InvalidState, _ => Answers.NothingDone(call))),
        OnAsync<Operation<Instance>>("STATE-15", LieBase.Simulation, "changes nothing of what has crashed", "ApplyAsync", async call =>
        {
            var id = ((ChangePlan)call.Arguments[0]!).Instance.Id;
            return (await call.Hypervisor.GetAsync(id)).State == PowerState.Crashed ? throw Answers.Error(ErrorCode.InvalidState, $"'{id}' has crashed.") : await (Task<Operation<Instance>>)call.Next()!;
        }),
        OnAsync<Operation<Instance>>("STATE-16", LieBase.Simulation, "refuses to make a template of a template", "ConvertToTemplateAsync", async call =>
            (await call.Hypervisor.GetAsync(call.Id)).IsTemplate ? throw Answers.Error(ErrorCode.InvalidState, $"'{call.Id}' is a template.") : await (Task<Operation<Instance>>)call.Next()!),
    ];

    /// <summary>Further rows of the table, and what must be said and left when something is refused.</summary>
    private static IEnumerable<Lie> FurtherStates() =>
    [
        On("STATE-01", LieBase.Simulation, "suspends what is stopped", "SuspendAsync", call => Answers.Instead<Operation<Instance>>(call, ErrorCode.InvalidState, _ => Answers.NothingDone(call))),
        OnAsync<Operation<Instance>>("STATE-02", LieBase.Simulation, "pauses what is to be reset", "ResetAsync", async call =>
        {
            await (await (Task<Operation<Instance>>)call.Next()!).WaitAsync();
            return await call.Client.Get<IPausing>().PauseAsync(call.Id);
        }),
        On("STATE-03", LieBase.Simulation, "resumes what is to be started", "StartAsync", call => call.Parameters[1] == typeof(RequestOptions) ? Answers.Instead<Operation<Instance>>(call, ErrorCode.InvalidState, _ => call.Client.Get<IPausing>().ResumeAsync(call.Id)) : call.Next()),
        On("STATE-03", LieBase.Simulation, "lets a reset resume", "ResetAsync", call => ThenResumedAsync(call)),
        On("STATE-03", LieBase.Simulation, "does not know whether what it refuses was done", "StartAsync", call => call.Parameters[1] == typeof(RequestOptions) ? Answers.Refused<Operation<Instance>>(call, error => Answers.Error(error.Code, error.Message, RequestOutcome.Unknown)) : call.Next()),
        On("STATE-03", LieBase.Simulation, "takes a state for a conflict", "StartAsync", call => call.Parameters[1] == typeof(RequestOptions) ? Answers.Refused<Operation<Instance>>(call, error => Answers.Error(ErrorCode.Conflict, error.Message)) : call.Next()),
        On("STATE-03", LieBase.Simulation, "resumes what it refuses to start", "StartAsync", call => call.Parameters[1] == typeof(RequestOptions) ? Answers.Instead<Operation<Instance>>(call, ErrorCode.InvalidState, async error =>
        {
            await call.Client.Get<IPausing>().ResumeAsync(call.Id).WaitForCompletionAsync();
            throw error;
        }) : call.Next()),
        On("STATE-04", LieBase.Simulation, "resumes what is suspended", "ResumeAsync", call => Answers.Instead<Operation<Instance>>(call, ErrorCode.InvalidState, _ => call.Hypervisor.StartAsync(call.Id))),
        OnAsync<Operation<Instance>>("STATE-05", LieBase.Simulation, "does not start what has crashed", "StartAsync", async call => call.Parameters[1] == typeof(RequestOptions) && await IsAsync(call, PowerState.Crashed) ? throw Answers.Error(ErrorCode.InvalidState, $"'{call.Id}' has crashed.") : await (Task<Operation<Instance>>)call.Next()!),
        OnAsync<Operation<Instance>>("STATE-05", LieBase.Simulation, "lets what has crashed be crashed when it is stopped", "StopAsync", async call => await IsAsync(call, PowerState.Crashed) ? await Answers.NothingDone(call) : await (Task<Operation<Instance>>)call.Next()!),
        On("STATE-06", LieBase.Simulation, "says that it has started a template", "StartAsync", call => call.Parameters[1] == typeof(RequestOptions) ? Answers.Instead<Operation<Instance>>(call, ErrorCode.InvalidState, _ => Answers.NothingDone(call)) : call.Next()),
        OnAsync<Operation<Instance>>("STATE-12", LieBase.Simulation, "leaves a clone of what it refuses to clone", "CloneAsync", async call =>
        {
            if (await IsAsync(call, PowerState.Running))
            {
                var name = ((CloneSpec)call.Arguments[1]!).Name;
                await call.Hypervisor.CreateAsync(new VirtualMachineSpec { Name = name, Sizing = new Sizing.Explicit(1, ByteSize.FromMiB(64)) }).WaitForCompletionAsync();
            }

            return await (Task<Operation<Instance>>)call.Next()!;
        }),
        On("STATE-12", LieBase.Simulation, "says that it has made a template of what runs", "ConvertToTemplateAsync", call => Answers.Instead<Operation<Instance>>(call, ErrorCode.InvalidState, _ => Answers.NothingDone(call))),
        On("STATE-13", LieBase.Simulation, "says that it has cloned what is paused", "CloneAsync", call => Answers.Instead<Operation<Instance>>(call, ErrorCode.InvalidState, _ => Answers.NothingDone(call))),
        On("STATE-14", LieBase.Simulation, "says that it has cloned what is suspended", "CloneAsync", call => Answers.Instead<Operation<Instance>>(call, ErrorCode.InvalidState, _ => Answers.NothingDone(call))),
        On("STATE-16", LieBase.Simulation, "says that it has taken a snapshot of a template", "CreateAsync", call => call.Arguments[0] is InstanceId ? Answers.Instead<Operation<Snapshot>>(call, ErrorCode.InvalidState, _ => Task.FromResult(Answers.Done(new Snapshot { Name = "b", CreatedAt = DateTimeOffset.UnixEpoch }))) : call.Next()),
        OnAsync<Operation>("STATE-06", LieBase.Simulation, "deletes no template", "DeleteAsync", async call => call.Arguments[1] is SnapshotName ? await (Task<Operation>)call.Next()! : (await call.Hypervisor.GetAsync(call.Id)).IsTemplate ? throw Answers.Error(ErrorCode.Locked, $"'{call.Id}' is a template.") : await (Task<Operation>)call.Next()!),
    ];

    private static async Task<bool> IsAsync(Call call, PowerState state) => await call.Hypervisor.FindAsync(call.Id) is { } instance && instance.State == state;

    private static async Task<Operation<Instance>> AnewAsync(Call call) => await IsAsync(call, PowerState.Running) ? await call.Hypervisor.RestartAsync(call.Id, new StopOptions { GracePeriod = TimeSpan.Zero }) : await (Task<Operation<Instance>>)call.Next()!;

    private static async Task<Operation<Instance>> ThenResumedAsync(Call call)
    {
        await (await (Task<Operation<Instance>>)call.Next()!).WaitAsync();
        return await call.Client.Get<IPausing>().ResumeAsync(call.Id);
    }

    private static Lie ForgetsRestarts()
    {
        var forgotten = new System.Collections.Concurrent.ConcurrentDictionary<RequestId, bool>();
        return new("REQ-19", LieBase.Toy, "does not remember restarts", call =>
        {
            if (call.Method == "RestartAsync" && call.Arguments.OfType<RequestOptions>().FirstOrDefault()?.RequestId is { } id)
                forgotten[id] = true;
            return call.Method == "LookUpAsync" && forgotten.ContainsKey((RequestId)call.Arguments[0]!) ? Task.FromResult(new RequestLookup { State = RequestState.NeverSeen }) : call.Next();
        });
    }

    /// <summary>Sentences about requests that hold for more than one call.</summary>
    private static IEnumerable<Lie> FurtherRequests() =>
    [
        Refusing<Operation<Instance>>("REQ-09", LieBase.Featured, "takes a lost reply to a stop for a refusal", "StopAsync", error => Answers.Error(error.Code, error.Message)),
        Without("REQ-13", LieBase.Toy, "reads no request id when it starts", "StartAsync", nameof(RequestOptions.RequestId)),
        Without("REQ-17", LieBase.Simulation, "reads no request id when it deletes snapshots", "DeleteAsync", nameof(RequestOptions.RequestId)),
        Without("LIFE-14", LieBase.Toy, "does not compare incarnations when it applies", "ApplyAsync", nameof(RequestOptions.IfIncarnation)),
        Without("LIFE-14", LieBase.Simulation, "does not compare incarnations when it clones", "CloneAsync", nameof(RequestOptions.IfIncarnation)),
        Without("REV-02", LieBase.Simulation, "does not compare revisions when it suspends", "SuspendAsync", nameof(RequestOptions.IfRevision)),
        Refusing<Operation<Instance>>("LIFE-10", LieBase.Simulation, "has another word for what is not there when it pauses", "PauseAsync", error => Answers.Error(ErrorCode.InvalidState, error.Message)),
        Without("DEAD-01", LieBase.Toy, "has no deadlines when it restarts", "RestartAsync", nameof(RequestOptions.Deadline)),
        OnAsync<Operation<Instance>>("DEAD-01", LieBase.Toy, "ends long after its deadlines", "StopAsync", async call => call.Arguments.OfType<RequestOptions>().Any(request => request.Deadline is not null)
            ? new ChangedOperation(await (Task<Operation<Instance>>)call.Next()!) { Wait = LateAsync }
            : await (Task<Operation<Instance>>)call.Next()!),
        On("DEAD-04", LieBase.Toy, "takes a lock for a state", "RestartAsync", _ => throw Answers.Error(ErrorCode.InvalidState)),
        On("LIST-02", LieBase.Simulation, "does not filter by node", "List", call => call.NextWith<InstanceFilter>(filter => filter is null ? null : Copy.With(filter, (nameof(InstanceFilter.Node), null)))),
        OnAsync<Subscription>("EVT-05", LieBase.Toy, "tells the last event again when a watch is resumed", "WatchAsync", async call =>
        {
            bool isResumed = call.Arguments[0] is WatchOptions { After: not null };
            return new ChangedSubscription(await (Task<Subscription>)call.Next()!, next => isResumed && next is InstanceStateChanged ? [next, next] : [next]);
        }),
    ];

    /// <summary>Later than any check waits.</summary>
    private static async Task<Instance> LateAsync(Task<Instance> wait)
    {
        try
        {
            return await wait;
        }
        catch (HypervisorException)
        {
            await Task.Delay(Timeout.Infinite, TestContext.Current.CancellationToken);
            throw;
        }
    }

    private static Lie[] Requests() =>
    [
        Without("REQ-01", LieBase.Toy, "reads no request id when it creates", "CreateAsync", nameof(RequestOptions.RequestId)),
        Without("REQ-02", LieBase.Toy, "reads no request id when it restarts", "RestartAsync", nameof(RequestOptions.RequestId)),
        Without("REQ-03", LieBase.Toy, "reads no request id when it deletes", "DeleteAsync", nameof(RequestOptions.RequestId)),
        On("REQ-04", LieBase.Toy, "gives operations request ids of its own", "CreateAsync", call => Answers.Operation(call.Next(), operation => new ChangedOperation(operation) { OtherRequest = RequestId.New() })),
        LookingUp("REQ-05", LieBase.Toy, "keeps no log", RequestState.NeverSeen),
        LookingUp("REQ-06", LieBase.Toy, "says that all went well", RequestState.Succeeded),
        LookingUp("REQ-07", LieBase.Toy, "says that all went well", RequestState.Succeeded),
        LookingUp("REQ-08", LieBase.Toy, "forgets what is gone", RequestState.NeverSeen),
        Refusing<Operation<Instance>>("REQ-09", LieBase.Featured, "takes a lost reply for a refusal", "CreateAsync", error => Answers.Error(error.Code, error.Message)),
        LookingUp("REQ-10", LieBase.Featured, "says that all went well", RequestState.Succeeded),
        LookingUp("REQ-11", LieBase.Toy, "knows nothing of clients that are gone", RequestState.NeverSeen),
        Without("REQ-12", LieBase.Toy, "reads no request id when it starts", "StartAsync", nameof(RequestOptions.RequestId)),
        Without("REQ-13", LieBase.Toy, "reads no request id when it stops", "StopAsync", nameof(RequestOptions.RequestId)),
        Without("REQ-14", LieBase.Simulation, "reads no request id when it resumes", "ResumeAsync", nameof(RequestOptions.RequestId)),
        Without("REQ-15", LieBase.Simulation, "reads no request id when it suspends", "SuspendAsync", nameof(RequestOptions.RequestId)),
        Without("REQ-16", LieBase.Simulation, "reads no request id when it moves", "MigrateAsync", nameof(RequestOptions.RequestId)),
        Without("REQ-17", LieBase.Simulation, "reads no request id when it goes back to snapshots", "RevertAsync", nameof(RequestOptions.RequestId)),
        Without("REQ-18", LieBase.Simulation, "reads no request id when it makes instances of templates", "ConvertToInstanceAsync", nameof(RequestOptions.RequestId)),
        ForgetsRestarts(),
        Without("DEAD-01", LieBase.Toy, "has no deadlines", "StopAsync", nameof(RequestOptions.Deadline)),
        Without("DEAD-04", LieBase.Toy, "has no deadlines while it waits to delete", "DeleteAsync", nameof(RequestOptions.Deadline)),
        On("DEAD-02", LieBase.Toy, "runs out of any deadline", "StartAsync", call => call.Arguments.OfType<RequestOptions>().Any(request => request.Deadline is not null) ? throw Answers.Error(ErrorCode.Timeout) : call.Next()),
        Without("DEAD-03", LieBase.Qemu, "has no deadlines", "ResetAsync", nameof(RequestOptions.Deadline)),
        new("CANC-01", LieBase.Toy, "reads no cancellation token", call =>
        {
            int token = Array.FindIndex(call.Arguments, argument => argument is CancellationToken);
            if (token >= 0 && call.Method != "WatchAsync")
                call.Arguments[token] = CancellationToken.None;
            return call.Next();
        }),
        On("CANC-02", LieBase.Toy, "says of a wait that was cancelled not whose token it was", "StartAsync", call => Answers.Operation(call.Next(), operation => new ChangedOperation(operation)
        {
            Moment = moment => Copy.With(moment, (nameof(moment.State), OperationState.Running)), Wait = wait => wait.IsCanceled ? throw new OperationCanceledException() : wait,
        })),
        LookingUp("CANC-03", LieBase.Toy, "keeps no log", RequestState.NeverSeen),
        On("CANC-04", LieBase.Toy, "says that it has cancelled what it has done", "CreateAsync", call => Answers.Operation(call.Next(), operation => new ChangedOperation(operation) { Cancel = () => Task.FromResult(true), Wait = _ => throw Answers.Error(ErrorCode.Cancelled) })),
        On("OPS-01", LieBase.Toy, "counts progress in percent", "CreateAsync", call => Answers.Operation(call.Next(), operation => new ChangedOperation(operation) { Moment = moment => Copy.With(moment, (nameof(moment.Fraction), 100d)) })),
        On("OPS-02", LieBase.Toy, "never ends to run", "CreateAsync", call => Answers.Operation(call.Next(), operation => new ChangedOperation(operation) { Moment = moment => Copy.With(moment, (nameof(moment.State), OperationState.Running)) })),
        On("OPS-03", LieBase.Qemu, "keeps no operations", "ResumeAsync", _ => Task.FromResult<Operation?>(null)),
        On("OPS-04", LieBase.Qemu, "takes every token for its own", "ResumeAsync", _ => Task.FromResult<Operation?>(null)),
        On("OPS-05", LieBase.Toy, "hands out tokens that nobody can resume", "CreateAsync", call => Answers.Operation(call.Next(), operation => new ChangedOperation(operation) { OtherToken = new OperationToken(1, call.Client.Name, "x") })),
        On("OPS-06", LieBase.Toy, "says of what failed that it went well", "StopAsync", call => Answers.Operation(call.Next(), operation => new ChangedOperation(operation) { Moment = moment => Copy.With(moment, (nameof(moment.State), OperationState.Succeeded)) })),
    ];
}
