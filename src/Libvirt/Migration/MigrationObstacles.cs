using Hypervisor.Sdk.Libvirt.Driver;
using Hypervisor.Sdk.Libvirt.Protocol;

namespace Hypervisor.Sdk.Libvirt.Migration;

/// <summary>What stands in the way of a move, found before anything starts.</summary>
internal static class MigrationObstacles
{
    public static async Task<IReadOnlyList<string>> FindAsync(LibvirtParts from, LibvirtParts? to, MigrationTarget target, DomainFacts facts, CancellationToken cancellationToken)
    {
        var obstacles = new List<string>();
        obstacles.AddRange(OfSource(from, facts));
        obstacles.AddRange(await OfSnapshotsAsync(from, facts, cancellationToken).ConfigureAwait(false));
        if (target.Backend is not { } name)
            obstacles.Add("A move names the backend that the machine goes to.");
        else if (to is null)
            obstacles.Add($"This process has no backend '{name}' of libvirt connected, or more than one of that name.");
        else if (to.Host.Identity == from.Host.Identity)
            obstacles.Add($"'{name}' is the daemon that the machine is at.");
        else
            obstacles.AddRange(await OfTargetAsync(to, target, facts, cancellationToken).ConfigureAwait(false));
        return obstacles;
    }

    private static IEnumerable<string> OfSource(LibvirtParts from, DomainFacts facts)
    {
        if (from.IsTestDriver)
            yield return LibvirtCapabilities.NoTestGuests;
        if (facts.State != PowerState.Running && facts.State != PowerState.Paused)
            yield return $"It is {facts.State}: what runs or is paused is moved.";
        var live = facts.Live ?? facts.Config;
        if (live.Devices("hostdev").Any())
            yield return "It has devices of the host, which stay there.";
    }

    private static async Task<IEnumerable<string>> OfSnapshotsAsync(LibvirtParts from, DomainFacts facts, CancellationToken cancellationToken)
    {
        var libvirt = await from.Link.GetAsync(cancellationToken).ConfigureAwait(false);
        int snapshots = await libvirt.DomainSnapshotNumAsync(facts.Domain, 0, cancellationToken).ConfigureAwait(false);
        return snapshots == 0 ? [] : [$"It has {snapshots} snapshot{(snapshots == 1 ? "" : "s")}, which libvirt does not move: delete {(snapshots == 1 ? "it" : "them")} first."];
    }

    private static async Task<IReadOnlyList<string>> OfTargetAsync(LibvirtParts to, MigrationTarget target, DomainFacts facts, CancellationToken cancellationToken)
    {
        var (obstacles, live) = (new List<string>(), facts.Live ?? facts.Config);
        var libvirt = await to.Link.GetAsync(cancellationToken).ConfigureAwait(false);
        string architecture = live.Architecture ?? "";
        if (!to.Host.DomainTypes(architecture).Contains(live.Type))
            obstacles.Add($"'{to.Name}' runs no machines of the architecture '{architecture}' and the type '{live.Type}'.");
        else if (live.Root.Element("os")?.Element("type")?.Attribute("machine")?.Value is { } machine && !to.Host.Machines(architecture).Contains(machine))
            obstacles.Add($"'{to.Name}' has no machine '{machine}': its emulator is another version.");
        if (live.Root.Element("cpu") is { } cpu && cpu.Attribute("mode")?.Value == "host-passthrough" && !await HasCpuAsync(to, facts, libvirt, cancellationToken).ConfigureAwait(false))
            obstacles.Add($"The processor of '{to.Name}' lacks what the machine was started with (its CPU is 'host-passthrough').");
        if (target.Node is { } node && node.ToString() != to.Host.HostName)
            obstacles.Add($"'{to.Name}' is the node '{to.Host.HostName}', and not '{node}'.");
        if (await to.Domains.FindByNameAsync(facts.View.Name, cancellationToken).ConfigureAwait(false) is { } taken)
            obstacles.Add(taken.Uuid == facts.Domain.Uuid ? $"'{to.Name}' has this machine already." : $"'{to.Name}' has another machine of the name '{facts.View.Name}'.");
        foreach (string network in live.Nics.Where(nic => nic.Element.Attribute("type")?.Value == "network").Select(nic => nic.Network!).Distinct(StringComparer.Ordinal))
        {
            if (!await HasNetworkAsync(libvirt, network, cancellationToken).ConfigureAwait(false))
                obstacles.Add($"'{to.Name}' has no network '{network}' that is up.");
        }

        return obstacles;
    }

    private static async Task<bool> HasNetworkAsync(LibvirtConnection libvirt, string name, CancellationToken cancellationToken)
    {
        try
        {
            var network = await libvirt.NetworkLookupByNameAsync(name, cancellationToken).ConfigureAwait(false);
            return await libvirt.NetworkIsActiveAsync(network, cancellationToken).ConfigureAwait(false) == 1;
        }
        catch (LibvirtException error) when (error.Number == VirErrorNumber.ErrNoNetwork)
        {
            return false;
        }
    }

    /// <summary>Whether the target's processor has what the source's has, as the target itself compares them (virCPUCompareResult: 0 is a no).</summary>
    private static async Task<bool> HasCpuAsync(LibvirtParts to, DomainFacts facts, LibvirtConnection libvirt, CancellationToken cancellationToken)
    {
        if (facts.Live?.Root.Element("cpu") is not { } cpu || cpu.Element("model") is null)
            return to.Host.Architecture == facts.Config.Architecture;
        return await libvirt.ConnectCompareCpuAsync(Xml.BoundedXml.Write(cpu), 0, cancellationToken).ConfigureAwait(false) != 0;
    }
}
