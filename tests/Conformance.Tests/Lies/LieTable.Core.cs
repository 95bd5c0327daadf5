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
        Without("DEAD-01", LieBase.Toy, "has no deadlines", "StopAsync", nameof(RequestOptions.Deadline)),
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
