using System.Collections.Concurrent;
using Hypervisor.Sdk.Drivers;

namespace Hypervisor.Sdk.Samples.ToyDriver;

/// <summary>What the machines of one address are, whoever is connected: the server of this toy.</summary>
internal sealed class ToyServer
{
    private static readonly ConcurrentDictionary<Uri, ToyServer> s_servers = [];

    public ConcurrentDictionary<InstanceId, ToyMachine> Machines { get; } = [];

    public EventHub Events { get; } = new();

    public RequestLedger Requests { get; } = new();

    public static ToyServer At(Uri address) => s_servers.GetOrAdd(address, _ => new ToyServer());
}

/// <summary>A driver whose machines are child processes: the least that keeps the contract.</summary>
internal sealed class ToyBackend : DriverBackend, IHypervisor, IRequestLog
{
    private const string NoMachine = "A child process is no real machine: it has neither size, devices nor firmware.";
    private static readonly NamingRules s_naming = new();
    private static readonly Capability[] s_can = [Capability.VirtualMachines, Capability.UniqueNames, Capability.RequestLog, Capability.AtomicRevision];
    private readonly ToyServer _server;
    private readonly InstanceChanges<ToyMachine> _changes;
    private readonly ConcurrentBag<Subscription> _subscriptions = [];

    public ToyBackend(BackendName name, Uri address)
        : base(name, new BackendInfo { Kind = "toy", ServerVersion = "1.0", ParsedVersion = new Version(1, 0), Endpoint = address, Naming = s_naming })
    {
        _server = ToyServer.At(address);
        _changes = new InstanceChanges<ToyMachine>(_server.Requests, id => _server.Machines.GetValueOrDefault(id), machine => machine.View(), TimeSpan.FromMinutes(1));
    }

    public override ValueTask<CapabilityAnswer> QueryAsync(Capability capability, CapabilityTarget target = default, CancellationToken cancellationToken = default) =>
        new(s_can.Contains(capability) ? CapabilityAnswer.Yes : CapabilityAnswer.No(NoMachine));

    public PagedList<Instance> List(InstanceFilter? filter = null) => new OrderedList<Instance>(
        _ => Task.FromResult<IReadOnlyCollection<Instance>>([.. Views().Where(instance => filter?.Matches(instance) ?? true)]), instance => instance.Id.ToString(), () => _server.Events.Position);

    public Task<Instance?> FindAsync(InstanceId id, CancellationToken cancellationToken = default) => Task.FromResult(Server.Machines.GetValueOrDefault(id)?.View());

    public Task<Operation<Instance>> CreateAsync(VirtualMachineSpec spec, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        ThrowIfClosed();
        ArgumentNullException.ThrowIfNull(spec);
        Refusal.BadNames(s_naming, spec.Name, spec.Labels.Keys);
        if (spec.Sizing is not Sizing.Explicit { Cpus: > 0, Memory.Bytes: > 0 } size)
            throw Refusal.Invalid("sizing", "at least one CPU and some memory, by numbers.");
        if (spec.Disks.Count + spec.Networks.Count > 0 || spec.Firmware != Firmware.Default || spec.Tpm || spec.CloudInit is not null)
            throw Refusal.Unsupported("spec", NoMachine);
        if (spec.Extensions.All.FirstOrDefault(extension => extension.BackendKind == Info.Kind) is { } unknown)
            throw Refusal.Unsupported("extensions", $"'{unknown.GetType().Name}' is not known.");
        var machine = new ToyMachine(InstanceId.Parse(Guid.NewGuid().ToString("N")), spec, size, _server.Events);
        return Changes.CreateAsync(request, () =>
        {
            if (IsTaken(machine.Name))
                throw Refusal.NameTaken(machine.Name);
            _server.Machines[machine.Id] = machine;
            _server.Events.Publish((at, position) => new InstanceCreated { At = at, Position = position, Id = machine.Id });
            return machine;
        }, cancellationToken);
    }

    public Task<Operation<Instance>> StartAsync(InstanceId id, RequestOptions? request = null, CancellationToken cancellationToken = default) =>
        Changes.ChangeAsync("start", id, request, null, (machine, _) => machine.StartAsync(), cancellationToken);

    public Task<Operation<Instance>> StopAsync(InstanceId id, StopOptions? options = null, RequestOptions? request = null, CancellationToken cancellationToken = default) =>
        Changes.ChangeAsync("stop", id, request, _ => RefuseNegative(options), (machine, token) => machine.StopAsync(options ?? new(), token), cancellationToken);

    public Task<Operation<Instance>> RestartAsync(InstanceId id, StopOptions? options = null, RequestOptions? request = null, CancellationToken cancellationToken = default) =>
        Changes.ChangeAsync("restart", id, request, _ => RefuseNegative(options), async (machine, token) =>
        {
            await machine.StopAsync(options ?? new(), token);
            await machine.StartAsync();
        }, cancellationToken);

    public async Task<Operation> DeleteAsync(InstanceId id, DeleteOptions? options = null, RequestOptions? request = null, CancellationToken cancellationToken = default) =>
        await Changes.ChangeAsync("delete", id, request, machine =>
        {
            if (machine.Process is not null && options is not { StopFirst: true })
                throw Refusal.InvalidState(id, $"'{id}' runs: stop it first, or ask for that with the deletion.");
        }, async (machine, token) =>
        {
            await machine.StopAsync(new StopOptions { GracePeriod = TimeSpan.Zero }, token);
            _server.Machines.TryRemove(id, out _);
            _server.Events.Publish((at, position) => new InstanceDeleted { At = at, Position = position, Id = id });
        }, cancellationToken);

    public Task<ChangePlan> PlanAsync(InstanceId id, InstanceChange change, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(change);
        return Task.FromResult(Plan(Changes.Require(id).View(), change));
    }

    public Task<Operation<Instance>> ApplyAsync(ChangePlan plan, ApplyOptions? options = null, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(plan);
        return Changes.ChangeAsync("apply", plan.Instance.Id, request, machine =>
        {
            var again = Plan(machine.View(), plan.Change);
            SimplePlan.Refuse(plan, again, options);
            if (again.Steps.Count > 0)
                machine.Change(plan.Change);
        }, (_, _) => Task.CompletedTask, cancellationToken);
    }

    public Task<Subscription> WatchAsync(WatchOptions? options = null, CancellationToken cancellationToken = default)
    {
        ThrowIfClosed();
        var subscription = _server.Events.Subscribe(options, _ => Views().ToAsyncEnumerable());
        _subscriptions.Add(subscription);
        return Task.FromResult(subscription);
    }

    public Task<RequestLookup> LookUpAsync(RequestId id, CancellationToken cancellationToken = default) => Server.Requests.LookUpAsync(id, cancellationToken);

    protected override Task PingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    protected override async ValueTask CloseAsync()
    {
        foreach (var subscription in _subscriptions)
            await subscription.DisposeAsync();
    }

    private static void RefuseNegative(StopOptions? options)
    {
        if (options?.GracePeriod < TimeSpan.Zero)
            throw new ArgumentException("A grace period is not negative.", nameof(options));
    }

    private ToyServer Server => Opened(_server);

    private InstanceChanges<ToyMachine> Changes => Opened(_changes);

    private T Opened<T>(T what) => ConnectionState == BackendConnectionState.Closed ? throw new ObjectDisposedException(Info.Kind) : what;

    private IEnumerable<Instance> Views() => Server.Machines.Values.Select(machine => machine.View());

    private bool IsTaken(string name) => Views().Any(view => view.Name == name);

    private ChangePlan Plan(Instance instance, InstanceChange change) => new()
    {
        Instance = new InstanceRef(Name, instance.Id), BasedOn = instance.Revision, Change = change,
        Steps = [.. SimplePlan.Steps(instance, change, s_naming, IsTaken), .. SimplePlan.Impossible(change, NoMachine)],
    };
}
