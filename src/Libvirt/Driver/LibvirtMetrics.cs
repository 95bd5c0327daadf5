using System.Globalization;
using System.Runtime.CompilerServices;
using Hypervisor.Sdk.Libvirt.Protocol;

namespace Hypervisor.Sdk.Libvirt.Driver;

/// <summary>Counters of everything that runs, in one call, and of the daemon's host.</summary>
internal sealed partial class LibvirtMetrics(LibvirtParts parts) : IMetrics, INodes
{
    private const uint Wanted = (uint)(VirDomainStatsTypes.State | VirDomainStatsTypes.CpuTotal | VirDomainStatsTypes.Balloon | VirDomainStatsTypes.Interface | VirDomainStatsTypes.Block);

    /// <summary>VIR_CONNECT_GET_ALL_DOMAINS_STATS_ACTIVE, and _NOWAIT: what works on a domain just now does not hold up the counters of the others.</summary>
    private const uint ActiveAndAtOnce = 1 | (1u << 29);

    private const string NotSaid = "The daemon does not say.";

    public async IAsyncEnumerable<InstanceMetrics> SampleAsync(InstanceFilter? filter = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        if (parts.IsContainers)
        {
            await foreach (var counters in SampleContainersAsync(filter, cancellationToken).ConfigureAwait(false))
                yield return counters;
            yield break;
        }

        var libvirt = await parts.Link.GetAsync(cancellationToken).ConfigureAwait(false);
        // What the filter asks for stands in the domains' documents; without one they need not be read.
        var wanted = filter is null ? null : (await parts.Domains.ListAsync(cancellationToken).ConfigureAwait(false)).Where(facts => filter.Matches(facts.View)).Select(facts => facts.Domain.Uuid).ToHashSet();
        var records = await libvirt.ConnectGetAllDomainStatsAsync([], Wanted, parts.IsTestDriver ? 1 : ActiveAndAtOnce, cancellationToken).ConfigureAwait(false);
        var at = parts.Time.GetUtcNow();
        foreach (var record in records)
        {
            if (wanted?.Contains(record.Dom.Uuid) ?? true)
                yield return Of(record, at);
        }
    }

    public async IAsyncEnumerable<NodeMetrics> SampleNodesAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        if (!NodeName.TryParse(parts.Host.HostName, null, out var name))
            yield break;
        var libvirt = await parts.Link.GetAsync(cancellationToken).ConfigureAwait(false);
        var info = await libvirt.NodeGetInfoAsync(cancellationToken).ConfigureAwait(false);
        var unavailable = new Dictionary<string, string> { [nameof(NodeMetrics.LoadAverage1)] = NotSaid };
        ulong? available = await AvailableAsync(libvirt, unavailable, cancellationToken).ConfigureAwait(false);
        yield return new NodeMetrics
        {
            Node = name, At = parts.Time.GetUtcNow(), Cpus = info.Cpus, MemoryTotal = FromKiB(info.Memory), MemoryAvailable = available is { } bytes ? new ByteSize((long)bytes) : null, Unavailable = unavailable,
        };
    }

    public async IAsyncEnumerable<Node> ListAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        if (!NodeName.TryParse(parts.Host.HostName, null, out var name) || !Architecture.TryParse(parts.Host.Architecture, null, out var architecture))
            yield break;
        var libvirt = await parts.Link.GetAsync(cancellationToken).ConfigureAwait(false);
        var info = await libvirt.NodeGetInfoAsync(cancellationToken).ConfigureAwait(false);
        ulong? available = await AvailableAsync(libvirt, [], cancellationToken).ConfigureAwait(false);
        yield return new Node { Name = name, Architecture = architecture, Cpus = info.Cpus, Memory = FromKiB(info.Memory), MemoryAvailable = available is { } bytes ? new ByteSize((long)bytes) : null };
    }

    private static async Task<ulong?> AvailableAsync(LibvirtConnection libvirt, Dictionary<string, string> unavailable, CancellationToken cancellationToken)
    {
        try
        {
            return await libvirt.NodeGetFreeMemoryAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (LibvirtException error) when (error.Code == ErrorCode.Unsupported)
        {
            unavailable[nameof(NodeMetrics.MemoryAvailable)] = error.BackendMessage ?? NotSaid;
            return null;
        }
    }

    private static InstanceMetrics Of(VirDomainStatsRecord record, DateTimeOffset at)
    {
        var values = new Dictionary<string, ulong>(StringComparer.Ordinal);
        foreach (var parameter in record.Params)
        {
            if (NumberOf(parameter.Value) is { } number)
                values[parameter.Field] = number;
        }

        var unavailable = new Dictionary<string, string>();
        ulong? cpu = Value(nameof(InstanceMetrics.CpuTime), "cpu.time");
        ulong? memory = Value(nameof(InstanceMetrics.MemoryUsed), "balloon.rss");
        ulong? total = values.TryGetValue("balloon.available", out ulong known) ? known : null;
        ulong? unused = Value(nameof(InstanceMetrics.MemoryUsedByGuest), "balloon.unused", "The guest's balloon driver does not say.");
        return new InstanceMetrics
        {
            Id = DomainFacts.IdOf(record.Dom.Uuid),
            At = at,
            CpuTime = cpu is { } nanoseconds ? TimeSpan.FromTicks((long)(nanoseconds / 100)) : null,
            MemoryUsed = memory is { } resident ? FromKiB(resident) : null,
            MemoryUsedByGuest = total is { } all && unused is { } free && all >= free ? FromKiB(all - free) : null,
            DiskReadBytes = Sum(nameof(InstanceMetrics.DiskReadBytes), "block", "rd.bytes"),
            DiskWriteBytes = Sum(nameof(InstanceMetrics.DiskWriteBytes), "block", "wr.bytes"),
            DiskReadOperations = Sum(nameof(InstanceMetrics.DiskReadOperations), "block", "rd.reqs"),
            DiskWriteOperations = Sum(nameof(InstanceMetrics.DiskWriteOperations), "block", "wr.reqs"),
            NetworkReceivedBytes = Sum(nameof(InstanceMetrics.NetworkReceivedBytes), "net", "rx.bytes"),
            NetworkSentBytes = Sum(nameof(InstanceMetrics.NetworkSentBytes), "net", "tx.bytes"),
            NetworkReceivedPackets = Sum(nameof(InstanceMetrics.NetworkReceivedPackets), "net", "rx.pkts"),
            NetworkSentPackets = Sum(nameof(InstanceMetrics.NetworkSentPackets), "net", "tx.pkts"),
            Unavailable = unavailable,
        };

        ulong? Value(string counter, string field, string why = NotSaid)
        {
            if (values.TryGetValue(field, out ulong value))
                return value;
            unavailable[counter] = why;
            return null;
        }

        long? Sum(string counter, string device, string field)
        {
            if (!values.TryGetValue(device + ".count", out ulong count))
            {
                unavailable[counter] = NotSaid;
                return null;
            }

            long sum = 0;
            bool isAny = count == 0;
            for (ulong i = 0; i < Math.Min(count, 1024); i++)
            {
                if (!values.TryGetValue(string.Create(CultureInfo.InvariantCulture, $"{device}.{i}.{field}"), out ulong value))
                    continue;
                sum += (long)value;
                isAny = true;
            }

            if (isAny)
                return sum;
            unavailable[counter] = "The daemon counts none of its devices.";
            return null;
        }
    }

    private static ulong? NumberOf(VirTypedValue value) => value.Type switch
    {
        VirTypedParameterType.Ullong => value.AsUInt64(),
        VirTypedParameterType.Uint => value.AsUInt32(),
        VirTypedParameterType.Llong => value.AsInt64() >= 0 ? (ulong)value.AsInt64() : null,
        VirTypedParameterType.Int => value.AsInt32() >= 0 ? (ulong)value.AsInt32() : null,
        _ => null,
    };

    private static ByteSize FromKiB(ulong value) => new((long)Math.Min(value, long.MaxValue / 1024) * 1024);
}
