using System.Collections.Concurrent;
using Hypervisor.Sdk.Drivers;
using Hypervisor.Sdk.Libvirt.Storage;

namespace Hypervisor.Sdk.Libvirt.Driver;

/// <summary>
/// What this process knows of a daemon's driver, whichever of its backends is connected to it: which requests are under way or have ended, and who works on which domain. The daemon itself keeps no requests; what was asked of a
/// domain stands in its metadata, and of one that is gone only here.
/// </summary>
internal sealed class LibvirtServer
{
    private static readonly ConcurrentDictionary<string, LibvirtServer> s_servers = new(StringComparer.Ordinal);

    private readonly ConcurrentDictionary<Guid, SemaphoreSlim> _gates = [];
    private readonly ConcurrentQueue<RequestId> _effectOrder = [];
    private readonly ConcurrentDictionary<RequestId, Effect> _effects = [];

    internal LibvirtServer(TimeProvider time)
    {
        Ledger = new RequestLedger(time);
        KnownSince = time.GetUtcNow();
    }

    public RequestLedger Ledger { get; }

    /// <summary>Since when requests are known of here.</summary>
    public DateTimeOffset KnownSince { get; }

    /// <summary>Who has which volume.</summary>
    public VolumeLeases Leases { get; } = new();

    /// <summary>The domains whose disks a backup reads.</summary>
    public ConcurrentDictionary<Guid, bool> Read { get; } = [];

    /// <summary>Names are looked for and taken in one go.</summary>
    public SemaphoreSlim Creating { get; } = new(1, 1);

    /// <param name="identity">The daemon's own id and what was opened at it.</param>
    /// <param name="time">The clock.</param>
    public static LibvirtServer Of(string identity, TimeProvider time) => s_servers.GetOrAdd(identity, static (_, clock) => new LibvirtServer(clock), time);

    /// <summary>Who has the domain to himself.</summary>
    public SemaphoreSlim GateOf(Guid domain) => _gates.GetOrAdd(domain, static _ => new SemaphoreSlim(1, 1));

    /// <summary>The domain is gone: who still waits for it finds that out.</summary>
    public void Forget(Guid domain) => _gates.TryRemove(domain, out _);

    /// <summary>What a request was to do, for when nobody answered.</summary>
    public Effect? EffectOf(RequestId id) => _effects.GetValueOrDefault(id);

    public void Remember(RequestId id, Effect effect)
    {
        if (_effects.TryAdd(id, effect))
            _effectOrder.Enqueue(id);
        else
            _effects[id] = effect;
        while (_effectOrder.Count > 10_000 && _effectOrder.TryDequeue(out var oldest))
            _effects.TryRemove(oldest, out _);
    }

    /// <param name="Kind">What it asks for.</param>
    /// <param name="Domain">Of which domain.</param>
    /// <param name="Volume">Of which volume; null where it is about a domain.</param>
    internal sealed record Effect(string Kind, Guid Domain, VolumeId? Volume = null);
}
