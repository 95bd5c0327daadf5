using System.Runtime.CompilerServices;
using Hypervisor.Sdk.Libvirt.Protocol;

namespace Hypervisor.Sdk.Libvirt.Driver;

/// <content>Counters of containers, one after the other: LXC's driver does not know the call for all.</content>
internal sealed partial class LibvirtMetrics
{
    private const string NoDisksOfContainers = "A container has no disks that are counted.";

    private async IAsyncEnumerable<InstanceMetrics> SampleContainersAsync(InstanceFilter? filter, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var libvirt = await parts.Link.GetAsync(cancellationToken).ConfigureAwait(false);
        foreach (var facts in await parts.Domains.ListAsync(cancellationToken).ConfigureAwait(false))
        {
            if (facts is { IsActive: true, Live: not null } && (filter?.Matches(facts.View) ?? true) && await OfContainerAsync(libvirt, facts, cancellationToken).ConfigureAwait(false) is { } counters)
                yield return counters;
        }
    }

    /// <summary>The counters of a container that runs; null for one that has just ended.</summary>
    private async Task<InstanceMetrics?> OfContainerAsync(LibvirtConnection libvirt, DomainFacts facts, CancellationToken cancellationToken)
    {
        try
        {
            var info = await libvirt.DomainGetInfoAsync(facts.Domain, cancellationToken).ConfigureAwait(false);
            var at = parts.Time.GetUtcNow();
            var unavailable = new Dictionary<string, string> { [nameof(InstanceMetrics.MemoryUsedByGuest)] = "A container's memory is its host's." };
            foreach (string counter in new[] { nameof(InstanceMetrics.DiskReadBytes), nameof(InstanceMetrics.DiskWriteBytes), nameof(InstanceMetrics.DiskReadOperations), nameof(InstanceMetrics.DiskWriteOperations) })
                unavailable[counter] = NoDisksOfContainers;
            long receivedBytes = 0, sentBytes = 0, receivedPackets = 0, sentPackets = 0;
            foreach (string device in facts.Live!.Devices("interface").Select(nic => nic.Element("target")?.Attribute("dev")?.Value).OfType<string>())
            {
                var one = await libvirt.DomainInterfaceStatsAsync(facts.Domain, device, cancellationToken).ConfigureAwait(false);
                (receivedBytes, sentBytes, receivedPackets, sentPackets) = (receivedBytes + one.RxBytes, sentBytes + one.TxBytes, receivedPackets + one.RxPackets, sentPackets + one.TxPackets);
            }

            return new InstanceMetrics
            {
                Id = facts.Id, At = at, CpuTime = TimeSpan.FromTicks((long)(info.CpuTime / 100)), MemoryUsed = FromKiB(info.Memory), Unavailable = unavailable,
                NetworkReceivedBytes = receivedBytes, NetworkSentBytes = sentBytes, NetworkReceivedPackets = receivedPackets, NetworkSentPackets = sentPackets,
            };
        }
        catch (LibvirtException error) when (error.Number is VirErrorNumber.ErrNoDomain or VirErrorNumber.ErrOperationInvalid)
        {
            return null;
        }
    }
}
