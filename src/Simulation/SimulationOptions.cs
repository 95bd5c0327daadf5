namespace Hypervisor.Sdk.Simulation;

/// <summary>What a simulated data centre is made of. Read once when it is made.</summary>
public sealed class SimulationOptions
{
    /// <summary>The name under which the application knows the backend. Default <c>sim</c>.</summary>
    public string Name { get; set; } = "sim";

    /// <summary>Decides every number that is drawn. The same seed and the same calls give the same trace. Default 1.</summary>
    public ulong Seed { get; set; } = 1;

    /// <summary>What the clock shows at the beginning. Default: midnight of 1 January 2026, UTC.</summary>
    public DateTimeOffset Start { get; set; } = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>How time moves. Default <see cref="SimulationPace.OnDemand"/>.</summary>
    public SimulationPace Pace { get; set; }

    /// <summary>How much faster than real time the simulation goes with <see cref="SimulationPace.RealTime"/>; more than 0. Default 1.</summary>
    public double TimeFactor { get; set; } = 1;

    /// <summary>Real time, for <see cref="SimulationPace.RealTime"/>. Default: the system's.</summary>
    public TimeProvider RealTimeProvider { get; set; } = TimeProvider.System;

    /// <summary>Which backend it behaves like. Default <see cref="SimulationPersonality.Generic"/>.</summary>
    public SimulationPersonality Personality { get; set; } = SimulationPersonality.Generic;

    /// <summary>
    /// Finds other backends by their names, to which instances can be moved while they run (<see cref="IMigration"/>): simulated ones with the same personality. Default: <c>AddSimulation</c> sets it to the application's
    /// backends; without it instances stay in this data centre. A replay needs it too for a call that has moved an instance
    /// (<see cref="SimulationReplay"/>).
    /// </summary>
    public Func<BackendName, CancellationToken, ValueTask<IBackend>>? FindBackend { get; set; }

    /// <summary>How long work takes.</summary>
    public SimulatedDurations Durations { get; } = new();

    /// <summary>How guests behave.</summary>
    public SimulatedGuestOptions Guests { get; } = new();

    /// <summary>How long a call and the work that it begins may take when the request does not say. Default 1 h.</summary>
    public TimeSpan DefaultDeadline { get; set; } = TimeSpan.FromHours(1);

    /// <summary>How many requests are remembered; older ones are answered with <see cref="RequestState.Expired"/>. Default 100,000.</summary>
    public int KeptRequests { get; set; } = 100_000;

    /// <summary>How many events are kept for watches that resume. Default 65,536.</summary>
    public int KeptEvents { get; set; } = 65_536;

    /// <summary>How many lines of the trace are kept in memory; the oldest go first. Default 4,000,000.</summary>
    public int KeptTraceLines { get; set; } = 4_000_000;

    /// <summary>Whether the trace has every call with its arguments, which replaying takes: what is typed at consoles and written into files included. Default true.</summary>
    public bool TraceCalls { get; set; } = true;

    /// <summary>The nodes, by name; one called <c>node1</c> when there is none.</summary>
    public IDictionary<string, SimulatedNodeOptions> Nodes { get; } = new SortedDictionary<string, SimulatedNodeOptions>(StringComparer.Ordinal);

    /// <summary>The pools, by name; one called <c>local</c>, which every node reaches and which never fills up, when there is none.</summary>
    public IDictionary<string, SimulatedPoolOptions> Pools { get; } = new SortedDictionary<string, SimulatedPoolOptions>(StringComparer.Ordinal);

    /// <summary>The networks, by name; one called <c>lan</c> when there is none.</summary>
    public IDictionary<string, SimulatedNetworkOptions> Networks { get; } = new SortedDictionary<string, SimulatedNetworkOptions>(StringComparer.Ordinal);

    /// <summary>The images that disks can be made from, and how large they are.</summary>
    public IDictionary<string, ByteSize> Images { get; } = new SortedDictionary<string, ByteSize>(StringComparer.Ordinal);

    /// <summary>Adds a node.</summary>
    public SimulationOptions AddNode(string name, Action<SimulatedNodeOptions>? configure = null) => Add(Nodes, name, configure);

    /// <summary>Adds a pool.</summary>
    public SimulationOptions AddPool(string name, Action<SimulatedPoolOptions>? configure = null) => Add(Pools, name, configure);

    /// <summary>Adds a network.</summary>
    public SimulationOptions AddNetwork(string name, Action<SimulatedNetworkOptions>? configure = null) => Add(Networks, name, configure);

    /// <summary>Adds an image.</summary>
    public SimulationOptions AddImage(string name, ByteSize size)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        Images.Add(name, size);
        return this;
    }

    internal void Validate()
    {
        if (!BackendName.TryParse(Name, null, out _))
            throw new ArgumentException($"{nameof(Name)} '{Name}' is not a backend name: 1 to 63 of a-z, 0-9, '-', '_' and '.'.");
        if (!(TimeFactor > 0) || double.IsInfinity(TimeFactor))
            throw new ArgumentException($"{nameof(TimeFactor)} is more than 0; this one is {TimeFactor}.");
        Check(DefaultDeadline > TimeSpan.Zero, nameof(DefaultDeadline), DefaultDeadline);
        Check(KeptRequests > 0, nameof(KeptRequests), KeptRequests);
        Check(KeptEvents > 0, nameof(KeptEvents), KeptEvents);
        Check(KeptTraceLines > 0, nameof(KeptTraceLines), KeptTraceLines);
        Check(Guests.DeafShare is >= 0 and <= 1, "Guests.DeafShare", Guests.DeafShare);
        Check(Guests.DirtyShare >= 0, "Guests.DirtyShare", Guests.DirtyShare);
        foreach (var (name, node) in Nodes)
        {
            Check(NodeName.TryParse(name, null, out _), "The name of a node", name);
            Check(node.Cpus > 0 && node.Memory > ByteSize.Zero && node.BandwidthPerSecond > ByteSize.Zero, $"A size of the node '{name}'", "zero or less");
            Check(node.MaxCreationsAtOnce is null or > 0, $"{nameof(node.MaxCreationsAtOnce)} of the node '{name}'", node.MaxCreationsAtOnce ?? 0);
        }

        foreach (var (name, pool) in Pools)
        {
            Check(PoolName.TryParse(name, null, out _), "The name of a pool", name);
            Check(pool.Capacity > ByteSize.Zero && pool.BytesPerSecond > ByteSize.Zero && pool.WrittenShare is >= 0 and <= 1, $"A size of the pool '{name}'", "out of its range");
            Check(pool.Node is not { } node || Nodes.ContainsKey(node.ToString()), $"The node of the pool '{name}'", pool.Node?.ToString() ?? "");
        }
    }

    private SimulationOptions Add<T>(IDictionary<string, T> items, string name, Action<T>? configure)
        where T : new()
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        var item = new T();
        configure?.Invoke(item);
        items.Add(name, item);
        return this;
    }

    private static void Check(bool isAcceptable, string what, object value)
    {
        if (!isAcceptable)
            throw new ArgumentException($"{what} of a simulation is not acceptable: {value}.");
    }
}
