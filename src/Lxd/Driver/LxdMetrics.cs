using System.Runtime.CompilerServices;

namespace Hypervisor.Sdk.Lxd.Driver;

/// <summary>Counters of everything that runs, in one request, and of the server's machine.</summary>
internal sealed class LxdMetrics(LxdParts parts, ContainerWork work) : IMetrics
{
    private const int Running = 103;
    private const int Frozen = 110;
    private const string NotSaid = "The server does not say.";
    private const string OnlyInMetrics = "The servers count reads and writes only in their metrics for collectors, which they renew every few seconds.";

    /// <summary>A container's own way to itself says nothing of its network.</summary>
    private const string Loopback = "lo";

    public async IAsyncEnumerable<InstanceMetrics> SampleAsync(InstanceFilter? filter = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        work.RefuseClosed();
        var wanted = filter is null ? null : (await parts.Containers.ListAsync(cancellationToken).ConfigureAwait(false)).Where(facts => filter.Matches(facts.View)).Select(facts => facts.Id).ToHashSet();
        var all = (await parts.Client.InstancesGetRecursion2Async(cancellationToken: cancellationToken).ConfigureAwait(false)).Value;
        var at = TimeProvider.System.GetUtcNow();
        foreach (var own in all)
        {
            if (own is { Type: "container", Name.Length: > 0, StatusCode: Running or Frozen, State: { } state } && InstanceId.TryParse(own.Name, null, out var id) && (wanted?.Contains(id) ?? true))
                yield return Of(id, state, own.LastUsedAt, at);
        }
    }

    public async IAsyncEnumerable<NodeMetrics> SampleNodesAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        work.RefuseClosed();
        if (!NodeName.TryParse(parts.Client.Server.Environment?.ServerName, null, out var name))
            yield break;
        var resources = (await parts.Client.ResourcesGetAsync(cancellationToken: cancellationToken).ConfigureAwait(false)).Value;
        var unavailable = new Dictionary<string, string>();
        foreach (string counter in new[] { nameof(NodeMetrics.CpuTime), nameof(NodeMetrics.DiskReadBytes), nameof(NodeMetrics.DiskWriteBytes), nameof(NodeMetrics.DiskReadOperations), nameof(NodeMetrics.DiskWriteOperations), nameof(NodeMetrics.NetworkReceivedBytes), nameof(NodeMetrics.NetworkSentBytes) })
            unavailable[counter] = NotSaid;
        var memory = resources.Memory;
        yield return new NodeMetrics
        {
            Node = name, At = TimeProvider.System.GetUtcNow(), Cpus = Known(nameof(NodeMetrics.Cpus), (int?)resources.Cpu?.Total), MemoryTotal = Known(nameof(NodeMetrics.MemoryTotal), Size(memory?.Total)),
            MemoryAvailable = Known(nameof(NodeMetrics.MemoryAvailable), memory is { Total: { } total, Used: { } used } && used <= total ? Size(total - used) : null),
            LoadAverage1 = Known(nameof(NodeMetrics.LoadAverage1), resources.Load?.Average1Min), LoadAverage5 = Known(nameof(NodeMetrics.LoadAverage5), resources.Load?.Average5Min),
            LoadAverage15 = Known(nameof(NodeMetrics.LoadAverage15), (double?)null), Unavailable = unavailable,
        };

        T? Known<T>(string counter, T? value)
            where T : struct
        {
            if (value is null)
                unavailable[counter] = NotSaid;
            return value;
        }
    }

    internal static InstanceMetrics Of(InstanceId id, LxdInstanceState state, DateTimeOffset? since, DateTimeOffset at)
    {
        var unavailable = new Dictionary<string, string>();
        foreach (string counter in new[] { nameof(InstanceMetrics.DiskReadBytes), nameof(InstanceMetrics.DiskWriteBytes), nameof(InstanceMetrics.DiskReadOperations), nameof(InstanceMetrics.DiskWriteOperations) })
            unavailable[counter] = OnlyInMetrics;
        unavailable[nameof(InstanceMetrics.MemoryUsedByGuest)] = unavailable[nameof(InstanceMetrics.MemoryLeftToGuest)] = "A container has no memory of its own beside the host's.";
        var counters = state.Network?.Where(device => device.Key != Loopback).Select(device => device.Value.Counters).ToList();
        return new InstanceMetrics
        {
            Id = id, At = at, Since = since is { Year: > 1970 } ? since : null,
            CpuTime = Known(nameof(InstanceMetrics.CpuTime), state.Cpu?.Usage) is { } nanoseconds ? TimeSpan.FromTicks(nanoseconds / TimeSpan.NanosecondsPerTick) : null,

            // Where the memory is not counted, the servers write 0.
            MemoryUsed = Known(nameof(InstanceMetrics.MemoryUsed), state.Memory?.Usage is > 0 and var bytes ? bytes : null) is { } used ? new ByteSize(used) : null,
            NetworkReceivedBytes = Sum(nameof(InstanceMetrics.NetworkReceivedBytes), device => device.BytesReceived), NetworkSentBytes = Sum(nameof(InstanceMetrics.NetworkSentBytes), device => device.BytesSent),
            NetworkReceivedPackets = Sum(nameof(InstanceMetrics.NetworkReceivedPackets), device => device.PacketsReceived), NetworkSentPackets = Sum(nameof(InstanceMetrics.NetworkSentPackets), device => device.PacketsSent),
            Unavailable = unavailable,
        };

        long? Known(string counter, long? value)
        {
            if (value is >= 0)
                return value;
            unavailable[counter] = NotSaid;
            return null;
        }

        long? Sum(string counter, Func<LxdInstanceStateNetworkCounters, long?> of) =>
            Known(counter, counters is null || counters.Exists(device => device is null || of(device) is null or < 0) ? null : counters.Sum(device => of(device!)));
    }

    private static ByteSize? Size(ulong? bytes) => bytes is <= long.MaxValue and var number ? new ByteSize((long)number) : null;
}
