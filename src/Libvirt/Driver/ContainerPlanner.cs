using Hypervisor.Sdk.Drivers;

namespace Hypervisor.Sdk.Libvirt.Driver;

/// <summary>Says what a change of a container would do.</summary>
internal static class ContainerPlanner
{
    /// <summary>LXC's driver renames nothing.</summary>
    public static PlannedStep Renamed(PlannedStep step) => step.Property == "name" ? new PlannedStep { Property = step.Property, From = step.From, To = step.To, Impossible = LibvirtCapabilities.NoContainerRename } : step;

    public static IEnumerable<PlannedStep> Steps(DomainFacts facts, InstanceChange change)
    {
        ContainerLimits.Refuse(change.CpuLimit.IsSet ? change.CpuLimit.Value : null, change.MemoryLimit.IsSet ? change.MemoryLimit.Value : null);
        return [.. Limits(facts, change), .. Devices(facts, change), .. NotOfContainers(change)];
    }

    private static IEnumerable<PlannedStep> Limits(DomainFacts facts, InstanceChange change)
    {
        var config = facts.Config;
        if (change.CpuLimit.IsSet && ContainerLimits.CpusOf(config) is var cpus && cpus != change.CpuLimit.Value)
            yield return new PlannedStep { Property = "cpuLimit", From = Text(cpus), To = Text(change.CpuLimit.Value), Effects = ChangeEffects.Live };
        if (change.MemoryLimit.IsSet && ContainerLimits.MemoryOf(config) is var memory && (change.MemoryLimit.Value is not { } limit || ChangePlanner.Kept(limit) != memory))
            yield return new PlannedStep { Property = "memoryLimit", From = $"{new ByteSize(memory)}", To = change.MemoryLimit.Value is { } to ? $"{to}" : "all that the host has", Effects = ChangeEffects.Live };
    }

    /// <summary>Cards come and go with the next start: this driver puts none into a network that is in use.</summary>
    private static IEnumerable<PlannedStep> Devices(DomainFacts facts, InstanceChange change)
    {
        for (int i = 0; i < change.AddNetworks.Count; i++)
        {
            string field = FormattableString.Invariant($"addNetworks[{i}]");
            DomainMaker.RefuseNetwork(field, change.AddNetworks[i]);
            if (change.AddNetworks[i].Network == DomainMaker.UserNetwork)
                throw Refusal.Unsupported(field + ".network", LibvirtCapabilities.NoUserNetwork);
            yield return ChangePlanner.Later(facts, "network", null, change.AddNetworks[i].Network);
        }

        foreach (var id in change.RemoveDevices)
        {
            if (facts.View.Networks.Any(nic => nic.Id == id))
                yield return ChangePlanner.Later(facts, $"device:{id}", $"{id}", null);
            else
                yield return new PlannedStep { Property = $"device:{id}", Impossible = $"There is no device '{id}'." };
        }
    }

    private static IEnumerable<PlannedStep> NotOfContainers(InstanceChange change)
    {
        foreach (var (property, isAsked) in new[] { ("sizing", change.Sizing.IsSet), ("memoryTarget", change.MemoryTarget.IsSet), ("cloudInit", change.RemoveCloudInit) })
        {
            if (isAsked)
                yield return new PlannedStep { Property = property, Impossible = LibvirtCapabilities.OnlyMachines };
        }

        var disks = change.AddDisks.Select(_ => "disk").Concat(change.ResizeDisks.Keys.Select(disk => $"disk:{disk}")).Concat(change.LimitDisks.Keys.Select(disk => $"disk:{disk}.limits")).Concat(change.ChangeMedia.Keys.Select(disk => $"disk:{disk}.image"));
        foreach (string property in disks)
            yield return new PlannedStep { Property = property, Impossible = LibvirtCapabilities.NoContainerDisks };
        foreach (var mount in change.AddMounts)
            yield return new PlannedStep { Property = "mount", To = mount?.Target, Impossible = LibvirtCapabilities.NoMounts };
    }

    private static string Text(double? cpus) => cpus is { } number ? FormattableString.Invariant($"{number}") : "no limit";
}
