using System.Collections.Concurrent;
using Hypervisor.Sdk.Drivers;
using Hypervisor.Sdk.Lxd.Consoles;

namespace Hypervisor.Sdk.Lxd.Driver;

/// <summary>
/// What this process knows of a project of a server, whichever of its backends is connected to it: which requests are under way or have ended, and who works on which container. What a request left at a container stands in its
/// configuration; of a container that is gone it is only here.
/// </summary>
internal sealed class LxdMemory
{
    private const int KeptEffects = 10_000;

    private static readonly ConcurrentDictionary<string, LxdMemory> s_servers = new(StringComparer.Ordinal);

    private readonly ConcurrentDictionary<InstanceId, SemaphoreSlim> _gates = [];
    private readonly ConcurrentQueue<RequestId> _order = [];
    private readonly ConcurrentDictionary<RequestId, Effect> _effects = [];

    public RequestLedger Ledger { get; } = new();

    /// <summary>What consoles have printed.</summary>
    public LxdConsoleLogs Consoles { get; } = new();

    /// <summary>Who has which volume.</summary>
    public VolumeLeases Leases { get; } = new();

    /// <summary>Since when requests are known of here.</summary>
    public DateTimeOffset KnownSince { get; } = TimeProvider.System.GetUtcNow();

    /// <summary>The memory of a server, which is known by its certificate however it is reached.</summary>
    public static LxdMemory Of(LxdClient client, string? project) => s_servers.GetOrAdd($"{client.Server.Environment?.CertificateFingerprint ?? client.Endpoint}/{project}", static _ => new LxdMemory());

    /// <summary>Who has the container to himself.</summary>
    public SemaphoreSlim GateOf(InstanceId id) => _gates.GetOrAdd(id, static _ => new SemaphoreSlim(1, 1));

    /// <summary>What a request was to do, for when nobody answered.</summary>
    public Effect? EffectOf(RequestId id) => _effects.GetValueOrDefault(id);

    public void Remember(RequestId id, Effect effect)
    {
        if (_effects.TryAdd(id, effect))
            _order.Enqueue(id);
        else
            _effects[id] = effect;
        while (_order.Count > KeptEffects && _order.TryDequeue(out var oldest))
            _effects.TryRemove(oldest, out _);
    }

    /// <param name="Kind">What it asks for.</param>
    /// <param name="Id">Of which container; default where it is about none.</param>
    /// <param name="Incarnation">Of which one of that name; null before it is made.</param>
    internal sealed record Effect(string Kind, InstanceId Id, Incarnation? Incarnation)
    {
        /// <summary>What it leaves at the container before its effect stood there.</summary>
        public bool HasBegun { get; init; }

        /// <summary>Of which volume, where it is about one.</summary>
        public VolumeId? Volume { get; init; }
    }
}
