using System.Globalization;
using Hypervisor.Sdk.Simulation.Calls;
using Hypervisor.Sdk.Simulation.Events;
using Hypervisor.Sdk.Simulation.Guests;
using Hypervisor.Sdk.Simulation.Randomness;
using Hypervisor.Sdk.Simulation.Time;
using Hypervisor.Sdk.Simulation.Works;

namespace Hypervisor.Sdk.Simulation.Worlds;

/// <summary>All that a simulated data centre is. Belongs to the loop; see the other parts for instances, storage and nodes.</summary>
internal sealed partial class World
{
    private static readonly Revision[] s_revisions = [.. Enumerable.Range(0, 256).Select(number => Revision.Parse(number.ToString(CultureInfo.InvariantCulture)))];

    private readonly Dictionary<string, SimulationRandom> _random = new(StringComparer.Ordinal);

    public World(SimulationOptions options)
    {
        options.Validate();
        Options = options;
        Name = BackendName.Parse(options.Name);
        Personality = options.Personality;
        Loop = new SimulationLoop();
        Clock = new SimulationClock(Loop, options.Start);
        Trace = new SimulationTrace(options.Seed, options.KeptTraceLines);
        Events = new EventHub(this);
        Works = new WorkEngine(this);
        Calls = new CallGate(this);
        Sessions = new SessionLog(this);
        AddNodes();
        AddPools();
        foreach (var (name, network) in options.Networks)
            Networks.Add(name, new SimNetwork(name, network));
        if (Networks.Count == 0)
            Networks.Add(Personality.DefaultNetwork, new SimNetwork(Personality.DefaultNetwork, new SimulatedNetworkOptions()));
    }

    public SimulationOptions Options { get; }

    public BackendName Name { get; }

    public SimulationPersonality Personality { get; }

    public SimulationLoop Loop { get; }

    public SimulationClock Clock { get; }

    public SimulationTrace Trace { get; }

    public EventHub Events { get; }

    public WorkEngine Works { get; }

    public CallGate Calls { get; }

    public SessionLog Sessions { get; }

    /// <summary>The connections that are open.</summary>
    public List<SimulationClient> Clients { get; } = [];

    /// <summary>Every connection ends; each is there again with its next call. Watches have a gap.</summary>
    public void Disconnect()
    {
        Events.Gap("The connection was reset. List again.");
        var reason = new BackendConnectionException("The connection was reset.", ErrorCode.Unavailable, RequestOutcome.NotSent) { Backend = Name };
        lock (Clients)
        {
            foreach (var client in Clients)
                client.SetConnected(false, reason);
        }
    }

    public SortedDictionary<string, SimNode> Nodes { get; } = new(StringComparer.Ordinal);

    public SortedDictionary<string, SimPool> Pools { get; } = new(StringComparer.Ordinal);

    public SortedDictionary<string, SimNetwork> Networks { get; } = new(StringComparer.Ordinal);

    public static Revision RevisionOf(long number) => number < s_revisions.Length ? s_revisions[number] : Revision.Parse(number.ToString(CultureInfo.InvariantCulture));

    /// <summary>The numbers of a purpose.</summary>
    public SimulationRandom Random(string purpose)
    {
        if (!_random.TryGetValue(purpose, out var random))
            _random.Add(purpose, random = SimulationRandom.For(Options.Seed, purpose));
        return random;
    }

    /// <summary>A time drawn for a purpose.</summary>
    public TimeSpan Draw(SimulatedDuration duration, string purpose) => duration.Draw(Random(purpose));

    /// <summary>Writes a line of the trace.</summary>
    public void Note(string kind, string subject, string details) => Trace.Add(Loop.NowTicks, kind, subject, details);

    public OperationToken TokenOf(long number) => new(1, Name, number.ToString(CultureInfo.InvariantCulture));

    /// <summary>A refusal in our words, with the backend's own where the personality has some.</summary>
    public HypervisorException Error(ErrorCode code, RequestOutcome outcome, string message, string? instance, string? field = null, string? about = null)
    {
        bool isRemembered = Personality.Refusals.TryGetValue(code, out var own);
        string? words = isRemembered ? own.Message.Replace("{0}", about ?? instance ?? field ?? "", StringComparison.Ordinal) : null;
        string? resource = instance is null ? null : $"instance {instance}";
        var fields = field is null ? null : new Dictionary<string, string> { [field] = message };
        if (field is not null)
            message = $"The request is not acceptable: {field}: {message}.";
        return new HypervisorException(message, code, outcome) { Backend = Name, Resource = resource, BackendCode = isRemembered ? own.Code : null, BackendMessage = words, FieldErrors = fields };
    }

    public HypervisorException Refused(ErrorCode code, string message, string? instance = null) => Error(code, RequestOutcome.Rejected, message, instance);

    public HypervisorException Invalid(string field, string problem) => Error(ErrorCode.InvalidArgument, RequestOutcome.NotSent, problem, null, field);

    public HypervisorException Unsupported(string field, string problem) => Error(ErrorCode.Unsupported, RequestOutcome.NotSent, problem, null, field);

    /// <summary>Waits for something within the loop. With <see cref="SimulationPace.OnDemand"/>, time moves on while somebody outside waits.</summary>
    public Task<T> WaitAsync<T>(Func<Task<T>> body)
    {
        if (Loop.IsCurrent || Options.Pace != SimulationPace.OnDemand)
            return Loop.EnterAsync(body);
        return Loop.EnterAsync(async () =>
        {
            Loop.Demand();
            try
            {
                return await body().ConfigureAwait(false);
            }
            finally
            {
                Loop.Undemand();
            }
        });
    }

    /// <summary>Waits for an event. With <see cref="SimulationPace.OnDemand"/>, time moves on as long as there is work under way that could bring one.</summary>
    /// <param name="arrived">Completes with it.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <param name="isBusy">Whether something else than work could bring one: a guest that boots.</param>
    public async Task WaitOutsideAsync(Task arrived, CancellationToken cancellationToken, Func<bool>? isBusy = null)
    {
        if (!Loop.IsCurrent && Options.Pace == SimulationPace.OnDemand)
        {
            while (!arrived.IsCompleted && await Loop.EnterAsync(() => Task.FromResult(TryNudge(isBusy))).ConfigureAwait(false))
                cancellationToken.ThrowIfCancellationRequested();
        }

        await arrived.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>With <see cref="SimulationPace.OnDemand"/>, moves time on to the next thing that is due.</summary>
    public void Nudge() => TryNudge();

    private bool TryNudge(Func<bool>? isBusy = null)
    {
        if (Options.Pace != SimulationPace.OnDemand || (Works.Running == 0 && isBusy?.Invoke() != true))
            return false;
        Loop.Nudge();
        return true;
    }

    private void AddNodes()
    {
        foreach (var (name, node) in Options.Nodes)
            Nodes.Add(name, new SimNode(NodeName.Parse(name), node));
        if (Nodes.Count == 0)
            Nodes.Add("node1", new SimNode(NodeName.Parse("node1"), new SimulatedNodeOptions { Memory = ByteSize.FromTiB(64), Cpus = 1024 }));
    }

    private void AddPools()
    {
        foreach (var (name, pool) in Options.Pools)
            Pools.Add(name, new SimPool(PoolName.Parse(name), pool));
        if (Pools.Count == 0)
            Pools.Add("local", new SimPool(PoolName.Parse("local"), new SimulatedPoolOptions { Capacity = ByteSize.FromTiB(1 << 20) }));
    }
}
