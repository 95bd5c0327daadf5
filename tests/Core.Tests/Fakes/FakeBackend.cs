using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;

namespace Hypervisor.Sdk.Tests.Fakes;

/// <summary>A test fake: a backend in memory whose every answer the test decides. It proves nothing about any real backend.</summary>
internal sealed class FakeBackend(string name = "local") : IBackend, IHypervisor, ISnapshots, ISerialConsole, FakeBackend.ISpecial
{
    private BackendConnectionState _state = BackendConnectionState.Connected;
    private long _position;

    /// <summary>A service of this driver alone.</summary>
    internal interface ISpecial;

    public event EventHandler<BackendConnectionChangedEventArgs>? ConnectionChanged;

    public ConcurrentDictionary<InstanceId, Instance> Instances { get; } = new();

    public ConcurrentQueue<FakeSubscription> Subscriptions { get; } = new();

    public ConcurrentQueue<string> Calls { get; } = new();

    /// <summary>What every call awaits before it does anything.</summary>
    public Func<string, CancellationToken, Task> OnCall { get; set; } = (_, _) => Task.CompletedTask;

    /// <summary>What every operation awaits before it has finished.</summary>
    public Task Work { get; set; } = Task.CompletedTask;

    public Task<Operation<Instance>>? FixedStart { get; set; }

    public byte[] ConsoleLog { get; set; } = [];

    public int Disposals { get; private set; }

    public BackendName Name { get; } = BackendName.Parse(name);

    public BackendInfo Info { get; } = new() { Kind = "fake", ServerVersion = "1.0", Endpoint = new("fake://here"), Naming = new() };

    public BackendConnectionState ConnectionState => _state;

    /// <summary>The fake behind a decorated backend.</summary>
    public static FakeBackend Of(IBackend backend) => (FakeBackend)backend.Get<ISpecial>();

    public static Instance Machine(string id, string? state = null, string? name = null, string revision = "1", string? address = null) => new()
    {
        Id = InstanceId.Parse(id), Incarnation = Incarnation.Parse($"i-{id}"), Name = name ?? $"vm-{id}", Kind = InstanceKind.VirtualMachine, State = PowerState.Parse(state ?? "running"), Revision = Revision.Parse(revision),
        Networks = address is null ? [] : [new() { Id = DeviceId.Parse("net0"), Addresses = [Cidr.Parse(address)] }],
    };

    public void Put(Instance instance) => Instances[instance.Id] = instance;

    public void SetConnection(BackendConnectionState to, HypervisorException? reason = null)
    {
        var from = _state;
        _state = to;
        ConnectionChanged?.Invoke(this, new() { Backend = Name, From = from, To = to, Reason = reason });
    }

    public EventPosition Next() => EventPosition.Parse($"{Interlocked.Increment(ref _position)}");

    public bool TryGet<TService>([NotNullWhen(true)] out TService? service)
        where TService : class
    {
        service = this as TService;
        return service is not null;
    }

    public ValueTask<CapabilityAnswer> QueryAsync(Capability capability, CapabilityTarget target = default, CancellationToken cancellationToken = default) => new(CapabilityAnswer.Yes);

    public async Task<BackendHealth> CheckHealthAsync(CancellationToken cancellationToken = default)
    {
        await BeginAsync("health", cancellationToken);
        return new() { IsHealthy = true };
    }

    public PagedList<Instance> List(InstanceFilter? filter = null) => new Pages(this);

    public async Task<Instance?> FindAsync(InstanceId id, CancellationToken cancellationToken = default)
    {
        await BeginAsync($"find {id}", cancellationToken);
        return Instances.GetValueOrDefault(id);
    }

    public Task<Operation<Instance>> StartAsync(InstanceId id, RequestOptions? request = null, CancellationToken cancellationToken = default) => FixedStart ?? ActAsync("start", id, request, cancellationToken);

    public Task<Operation<Instance>> StopAsync(InstanceId id, StopOptions? options = null, RequestOptions? request = null, CancellationToken cancellationToken = default) => ActAsync("stop", id, request, cancellationToken);

    public Task<Operation<Instance>> RestartAsync(InstanceId id, StopOptions? options = null, RequestOptions? request = null, CancellationToken cancellationToken = default) => ActAsync("restart", id, request, cancellationToken);

    public async Task<Operation> DeleteAsync(InstanceId id, DeleteOptions? options = null, RequestOptions? request = null, CancellationToken cancellationToken = default) => await ActAsync("delete", id, request, cancellationToken);

    public Task<ChangePlan> PlanAsync(InstanceId id, InstanceChange change, CancellationToken cancellationToken = default) =>
        Task.FromResult(new ChangePlan { Instance = new(Name, id), BasedOn = Revision.Parse("1"), Change = change, Steps = [] });

    public Task<Operation<Instance>> ApplyAsync(ChangePlan plan, ApplyOptions? options = null, RequestOptions? request = null, CancellationToken cancellationToken = default) => ActAsync("apply", plan.Instance.Id, request, cancellationToken);

    public Task<Operation<Instance>> CreateAsync(VirtualMachineSpec spec, RequestOptions? request = null, CancellationToken cancellationToken = default) => ActAsync("create", InstanceId.Parse(spec.Name.ToString()), request, cancellationToken);

    public async Task<Subscription> WatchAsync(WatchOptions? options = null, CancellationToken cancellationToken = default)
    {
        await BeginAsync("watch", cancellationToken);
        var subscription = new FakeSubscription();
        if (options?.IncludeSnapshot == true)
        {
            foreach (var instance in Instances.Values.OrderBy(instance => instance.Id.ToString(), StringComparer.Ordinal))
                subscription.Writer.TryWrite(new InstanceObserved { At = default, Position = Next(), Instance = instance });
            subscription.Writer.TryWrite(new Synchronized { At = default, Position = Next() });
        }

        Subscriptions.Enqueue(subscription);
        return subscription;
    }

    async IAsyncEnumerable<Snapshot> ISnapshots.ListAsync(InstanceId id, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await BeginAsync("snapshots", cancellationToken);
        yield return new Snapshot { Name = "a", CreatedAt = default };
    }

    Task<Operation<Snapshot>> ISnapshots.CreateAsync(InstanceId id, SnapshotSpec spec, RequestOptions? request, CancellationToken cancellationToken) => throw new HypervisorException("No.", ErrorCode.Locked, RequestOutcome.Rejected);

    Task<Operation<Instance>> ISnapshots.RevertAsync(InstanceId id, SnapshotName name, RequestOptions? request, CancellationToken cancellationToken) => ActAsync("revert", id, request, cancellationToken);

    async Task<Operation> ISnapshots.DeleteAsync(InstanceId id, SnapshotName name, RequestOptions? request, CancellationToken cancellationToken) => await ActAsync("delete-snapshot", id, request, cancellationToken);

    Task<ConsoleSession> ISerialConsole.OpenAsync(InstanceId id, ConsoleOptions? options, CancellationToken cancellationToken) => throw new HypervisorException("No.", ErrorCode.Denied, RequestOutcome.Rejected);

    Task<Stream> ISerialConsole.OpenLogAsync(InstanceId id, long? tailBytes, CancellationToken cancellationToken) => Task.FromResult<Stream>(new MemoryStream(ConsoleLog));

    public ValueTask DisposeAsync()
    {
        Disposals++;
        SetConnection(BackendConnectionState.Closed);
        return ValueTask.CompletedTask;
    }

    private Task BeginAsync(string call, CancellationToken cancellationToken)
    {
        Calls.Enqueue(call);
        return OnCall(call, cancellationToken);
    }

    private async Task<Operation<Instance>> ActAsync(string what, InstanceId id, RequestOptions? request, CancellationToken cancellationToken)
    {
        await BeginAsync($"{what} {id}", cancellationToken);
        return new FakeOperation<Instance>(request?.RequestId ?? RequestId.New(), FinishAsync(id));
    }

    private async Task<Instance> FinishAsync(InstanceId id)
    {
        await Work;
        return Instances.GetValueOrDefault(id) ?? Machine(id.ToString());
    }

    private sealed class Pages(FakeBackend backend) : PagedList<Instance>
    {
        public override async Task<Page<Instance>> GetPageAsync(string? continuation, int maxItems, CancellationToken cancellationToken = default)
        {
            await backend.BeginAsync("list", cancellationToken);
            return new() { Items = [.. backend.Instances.Values] };
        }
    }
}
