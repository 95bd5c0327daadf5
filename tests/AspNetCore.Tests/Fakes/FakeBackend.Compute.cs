using System.Collections.Concurrent;
using System.Threading.Channels;

namespace Hypervisor.Sdk.AspNetCore.Tests;

internal sealed partial class FakeBackend : IHypervisor, ISnapshots, IPausing, IReset, IOperations, ICloning, ITemplates
{
    private readonly Lock _gate = new();
    private readonly List<FakeSubscription> _subscriptions = [];
    private int _position;

    public SortedDictionary<string, Instance> Machines { get; } = new(StringComparer.Ordinal);

    public List<Snapshot> Snapshots { get; } = [];

    public VirtualMachineSpec? LastSpec { get; private set; }

    public StopOptions? LastStop { get; private set; }

    public ApplyOptions? LastApply { get; private set; }

    /// <summary>When set, work that begins goes on until the test ends it.</summary>
    public bool HoldsWork { get; set; }

    public ConcurrentQueue<FakeOperation<Instance>> Held { get; } = [];

    public int Watches => _subscriptions.Count;

    public Instance Add(string id, PowerState? state = null, string? name = null)
    {
        var machine = new Instance
        {
            Id = InstanceId.Parse(id), Incarnation = Incarnation.Parse("1"), Name = name ?? id, Kind = InstanceKind.VirtualMachine, State = state ?? PowerState.Stopped, Revision = Revision.Parse("r1"),
            Cpus = 1, Memory = ByteSize.FromMiB(128), Labels = new Dictionary<string, string> { ["tier"] = "web" },
            Disks = [new DiskDevice { Id = DeviceId.Parse("disk0"), Size = ByteSize.FromMiB(64) }],
        };
        lock (_gate)
            Machines[id] = machine;
        Publish(new InstanceCreated { At = DateTimeOffset.UnixEpoch, Position = Next(), Id = machine.Id });
        return machine;
    }

    public void Publish(BackendEvent happened)
    {
        lock (_gate)
        {
            foreach (var subscription in _subscriptions)
                subscription.Events.Writer.TryWrite(happened);
        }
    }

    public EventPosition Next() => EventPosition.Parse(Interlocked.Increment(ref _position).ToString(System.Globalization.CultureInfo.InvariantCulture));

    public PagedList<Instance> List(InstanceFilter? filter = null) => new FakeList(this, filter);

    public Task<Instance?> FindAsync(InstanceId id, CancellationToken cancellationToken = default)
    {
        Check();
        lock (_gate)
            return Task.FromResult(Machines.GetValueOrDefault(id.ToString()));
    }

    public Task<Operation<Instance>> CreateAsync(VirtualMachineSpec spec, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        LastSpec = spec;
        if (Machines.ContainsKey(spec.Name.ToString()))
            throw new HypervisorException($"There is a machine '{spec.Name}' already.", ErrorCode.AlreadyExists, RequestOutcome.Rejected) { Backend = Name, BackendCode = "E42", BackendMessage = "file exists" };
        return Begin(request, () => Add(spec.Name.ToString()));
    }

    public Task<Operation<Instance>> StartAsync(InstanceId id, RequestOptions? request = null, CancellationToken cancellationToken = default) => Change(id, request, PowerState.Running);

    public Task<Operation<Instance>> StopAsync(InstanceId id, StopOptions? options = null, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        LastStop = options;
        return Change(id, request, PowerState.Stopped);
    }

    public Task<Operation<Instance>> RestartAsync(InstanceId id, StopOptions? options = null, RequestOptions? request = null, CancellationToken cancellationToken = default) => Change(id, request, PowerState.Running);

    public Task<Operation<Instance>> PauseAsync(InstanceId id, RequestOptions? request = null, CancellationToken cancellationToken = default) => Change(id, request, PowerState.Paused);

    public Task<Operation<Instance>> ResumeAsync(InstanceId id, RequestOptions? request = null, CancellationToken cancellationToken = default) => Change(id, request, PowerState.Running);

    public Task<Operation<Instance>> ResetAsync(InstanceId id, RequestOptions? request = null, CancellationToken cancellationToken = default) => Change(id, request, PowerState.Running);

    public async Task<Operation> DeleteAsync(InstanceId id, DeleteOptions? options = null, RequestOptions? request = null, CancellationToken cancellationToken = default) => await Begin(request, () =>
    {
        lock (_gate)
        {
            var machine = Get(id);
            Machines.Remove(id.ToString());
            return machine;
        }
    });

    public Task<ChangePlan> PlanAsync(InstanceId id, InstanceChange change, CancellationToken cancellationToken = default) => Task.FromResult(new ChangePlan
    {
        Instance = new(Name, id), BasedOn = Get(id).Revision, Change = change, Steps = [new PlannedStep { Property = "sizing.cpus", From = "1", To = "2", Effects = ChangeEffects.AtNextStart }],
    });

    public Task<Operation<Instance>> ApplyAsync(ChangePlan plan, ApplyOptions? options = null, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        LastApply = options;
        if ((plan.Effects & ~options!.Accept) != 0)
            throw new HypervisorException("An effect was not accepted.", ErrorCode.InvalidArgument, RequestOutcome.Rejected);
        return Begin(request, () => Get(plan.Instance.Id));
    }

    public Task<Subscription> WatchAsync(WatchOptions? options = null, CancellationToken cancellationToken = default)
    {
        Check();
        var subscription = new FakeSubscription(this);
        lock (_gate)
            _subscriptions.Add(subscription);
        return Task.FromResult<Subscription>(subscription);
    }

    public async IAsyncEnumerable<Snapshot> ListAsync(InstanceId id, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await Task.Yield();
        _ = Get(id);
        foreach (var snapshot in Snapshots.ToArray())
            yield return snapshot;
    }

    public Task<Operation<Snapshot>> CreateAsync(InstanceId id, SnapshotSpec spec, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        Requests.Enqueue(request);
        _ = Get(id);
        var snapshot = new Snapshot { Name = spec.Name.ToString(), CreatedAt = DateTimeOffset.UnixEpoch, IncludesMemory = spec.IncludeMemory, IsCurrent = true };
        Snapshots.Add(snapshot);
        var operation = new FakeOperation<Snapshot>(request);
        operation.Succeed(snapshot);
        return Task.FromResult<Operation<Snapshot>>(operation);
    }

    public Task<Operation<Instance>> RevertAsync(InstanceId id, SnapshotName name, RequestOptions? request = null, CancellationToken cancellationToken = default) => Begin(request, () => Get(id));

    public async Task<Operation> DeleteAsync(InstanceId id, SnapshotName name, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        if (Snapshots.RemoveAll(snapshot => snapshot.Name == name.ToString()) == 0)
            throw new HypervisorException($"There is no snapshot '{name}'.", ErrorCode.NotFound, RequestOutcome.Rejected);
        return await Begin(request, () => Get(id));
    }

    public Task<Operation?> ResumeAsync(OperationToken token, CancellationToken cancellationToken = default)
    {
        if (token.Value != "kept")
            return Task.FromResult<Operation?>(null);
        var operation = new FakeOperation<Instance>(null, token);
        operation.Succeed(Machines.Values.First());
        return Task.FromResult<Operation?>(operation);
    }

    public Task<Operation<Instance>> CloneAsync(InstanceId source, CloneSpec spec, RequestOptions? request = null, CancellationToken cancellationToken = default) => Begin(request, () => Add(spec.Name.ToString()));

    public Task<Operation<Instance>> ConvertToTemplateAsync(InstanceId id, RequestOptions? request = null, CancellationToken cancellationToken = default) => Begin(request, () => Get(id));

    public Task<Operation<Instance>> ConvertToInstanceAsync(InstanceId id, RequestOptions? request = null, CancellationToken cancellationToken = default) => Begin(request, () => Get(id));

    private Instance Get(InstanceId id)
    {
        Check();
        lock (_gate)
        {
            return Machines.GetValueOrDefault(id.ToString())
                ?? throw new HypervisorException($"There is no instance '{id}'.", ErrorCode.NotFound, RequestOutcome.Rejected) { Backend = Name, Resource = $"instance {id}" };
        }
    }

    private Task<Operation<Instance>> Change(InstanceId id, RequestOptions? request, PowerState to)
    {
        var before = Get(id);
        if (request?.IfRevision is { } revision && revision != before.Revision)
            throw new HypervisorException("The instance has changed.", ErrorCode.Conflict, RequestOutcome.Rejected);
        return Begin(request, () =>
        {
            Publish(new InstanceStateChanged { At = DateTimeOffset.UnixEpoch, Position = Next(), Id = id, From = before.State, To = to });
            lock (_gate)
                return Machines[id.ToString()] = new Instance { Id = id, Incarnation = before.Incarnation, Name = before.Name, Kind = before.Kind, State = to, Revision = before.Revision };
        });
    }

    private Task<Operation<Instance>> Begin(RequestOptions? request, Func<Instance> work)
    {
        Check();
        Requests.Enqueue(request);
        var operation = new FakeOperation<Instance>(request, HoldsWork ? new OperationToken(1, Name, "kept") : null);
        if (HoldsWork)
            Held.Enqueue(operation);
        else
            operation.Succeed(work());
        return Task.FromResult<Operation<Instance>>(operation);
    }

    private sealed class FakeList(FakeBackend backend, InstanceFilter? filter) : PagedList<Instance>
    {
        public override Task<Page<Instance>> GetPageAsync(string? continuation, int maxItems, CancellationToken cancellationToken = default)
        {
            backend.Check();
            lock (backend._gate)
            {
                var rest = backend.Machines.Values.Where(machine => (filter?.Matches(machine) ?? true) && (continuation is null || string.CompareOrdinal(machine.Id.ToString(), continuation) > 0)).ToArray();
                var items = rest.Take(maxItems).ToArray();
                return Task.FromResult(new Page<Instance> { Items = items, Continuation = rest.Length > items.Length ? items[^1].Id.ToString() : null });
            }
        }
    }

    private sealed class FakeSubscription(FakeBackend backend) : Subscription
    {
        public Channel<BackendEvent> Events { get; } = Channel.CreateBounded<BackendEvent>(1 << 17);

        public override IAsyncEnumerator<BackendEvent> GetAsyncEnumerator(CancellationToken cancellationToken = default) => Events.Reader.ReadAllAsync(cancellationToken).GetAsyncEnumerator(cancellationToken);

        public override ValueTask DisposeAsync()
        {
            lock (backend._gate)
                backend._subscriptions.Remove(this);
            Events.Writer.TryComplete();
            return ValueTask.CompletedTask;
        }
    }
}
