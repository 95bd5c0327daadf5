using Hypervisor.Sdk.Drivers;

namespace Hypervisor.Sdk.Libvirt.Driver;

/// <summary>Says what a change of a domain would do.</summary>
internal static class ChangePlanner
{
    /// <summary>Linux takes memory in blocks of this size (memory_block_size_bytes).</summary>
    private const long MemoryBlockBytes = 128L << 20;

    private static PlannedStep No(string property, string? to, string why) => new() { Property = property, To = to, Impossible = why };

    public static IReadOnlyList<PlannedStep> Steps(LibvirtParts parts, DomainFacts facts, InstanceChange change, bool isTaken)
    {
        DomainMaker.RefuseText("description", change.Description.IsSet ? change.Description.Value : null);
        foreach (var label in change.Labels)
            DomainMaker.RefuseText($"labels.{label.Key}", label.Key + label.Value);
        IEnumerable<PlannedStep> simple = [.. SimplePlan.Steps(facts.View, change, parts.Naming, _ => isTaken), .. Autostart(facts, change)];
        if (parts.IsContainers)
            return [.. simple.Select(ContainerPlanner.Renamed), .. ContainerPlanner.Steps(facts, change)];
        bool isFixed = facts.IsActive && parts.IsTestDriver;
        return [.. simple.Select(step => Renamed(facts, step)), .. Sizing(facts, change), .. Disks(facts, change, isFixed), .. Networks(change, isFixed), .. Limits(facts, change)];
    }

    /// <summary>Said whether or not it is so already: that would be one more call for each look at a domain.</summary>
    private static IEnumerable<PlannedStep> Autostart(DomainFacts facts, InstanceChange change)
    {
        if (!change.Extensions.TryGet<LibvirtDomain>(out var own) || own.IsAutostarted is not { } isAutostarted)
            yield break;
        string to = isAutostarted ? "with the daemon" : "never";
        yield return facts.IsPersistent
            ? new PlannedStep { Property = "autostart", To = to, Effects = ChangeEffects.Live } : No("autostart", to, "The daemon does not keep this machine when it does not run, and has nothing to start.");
    }

    private static PlannedStep Renamed(DomainFacts facts, PlannedStep step) => step.Property == "name" && (facts.IsActive || !facts.IsPersistent)
        ? new PlannedStep { Property = step.Property, From = step.From, To = step.To, Impossible = "libvirt renames only machines that are switched off." } : step;

    /// <summary>At once where nothing runs; else at the next start, where the daemon keeps it until then.</summary>
    public static PlannedStep Later(DomainFacts facts, string property, string? from, string? to) => facts switch
    {
        { IsActive: false } => new PlannedStep { Property = property, From = from, To = to, Effects = ChangeEffects.Live },
        { IsPersistent: true } => new PlannedStep { Property = property, From = from, To = to, Effects = ChangeEffects.AtNextStart },
        _ => new PlannedStep { Property = property, From = from, To = to, Impossible = "The daemon does not keep this machine when it does not run, and it runs: there is no next start." },
    };

    private static IEnumerable<PlannedStep> Sizing(DomainFacts facts, InstanceChange change)
    {
        if (!change.Sizing.IsSet)
            yield break;
        DomainMaker.RefuseSizing(change.Sizing.Value);
        var (config, size) = (facts.Config, (Hypervisor.Sdk.Sizing.Explicit)change.Sizing.Value);
        int most = Math.Max(size.MaxCpus ?? config.MaxCpus, size.Cpus);
        if (config.Cpus != size.Cpus || config.MaxCpus != most)
        {
            string? why = config.MaxCpus != most && config.Root.Element("cpu")?.Element("topology") is not null ? "Its CPUs have a topology, which says how many there are: change it in the domain's XML." : null;
            if (why is not null)
                yield return new PlannedStep { Property = "cpus", Impossible = why };
            else if (ArePlugged(facts, size) || AreUnplugged(facts, size))
                yield return new PlannedStep { Property = "cpus", From = $"{config.Cpus}", To = $"{size.Cpus}", Effects = ChangeEffects.Live };
            else
                yield return Later(facts, "cpus", $"{config.Cpus}", $"{size.Cpus}");
        }

        if (config.MemoryBytes == Kept(size.Memory))
            yield break;
        if (config.Cells.Count > 1)
            yield return new PlannedStep { Property = "memory", Impossible = "Its memory is split over several cells (NUMA), which say how much there is: change it in the domain's XML." };
        else if (PluggedBytes(facts, size) is not null)
            yield return new PlannedStep { Property = "memory", From = $"{new ByteSize(config.MemoryBytes)}", To = $"{size.Memory}", Effects = ChangeEffects.Live };
        else
            yield return Later(facts, "memory", $"{new ByteSize(config.MemoryBytes)}", $"{size.Memory}");
    }

    /// <summary>Whether more CPUs are given to what runs: it was started with room for them, and the room stays as it is.</summary>
    public static bool ArePlugged(DomainFacts facts, Hypervisor.Sdk.Sizing.Explicit size) =>
        facts is { IsPersistent: true, Live: { } live } && size.Cpus > live.Cpus && size.Cpus <= live.MaxCpus && (size.MaxCpus ?? facts.Config.MaxCpus) == facts.Config.MaxCpus && facts.Config.MaxCpus == live.MaxCpus;

    /// <summary>Whether CPUs are taken from what runs: those that it was not started with. Not while an emulator runs them: QEMU (7.2) then ends, now or at the next plug.</summary>
    public static bool AreUnplugged(DomainFacts facts, Hypervisor.Sdk.Sizing.Explicit size) =>
        facts is { IsPersistent: true, Live: { Type: "kvm" } live } && size.Cpus < live.Cpus && live.Cpus - size.Cpus <= live.UnpluggableCpus && (size.MaxCpus ?? facts.Config.MaxCpus) == facts.Config.MaxCpus && facts.Config.MaxCpus == live.MaxCpus;

    /// <summary>How much memory is plugged into what runs; null where none is: it was started without room for it, or the piece is none that a guest takes.</summary>
    public static long? PluggedBytes(DomainFacts facts, Hypervisor.Sdk.Sizing.Explicit size)
    {
        if (facts is not { IsPersistent: true, Live: { MaxPluggedBytes: { } most } live } || live.MaxMemoryBytes != facts.Config.MaxMemoryBytes || (size.MaxMemory is { } max && Kept(max) != most))
            return null;
        long more = Kept(size.Memory) - facts.Config.MemoryBytes;
        return more > 0 && more % MemoryBlockBytes == 0 && live.MaxMemoryBytes + more <= most && live.MemoryModules.Count < live.MemorySlots ? more : null;
    }

    /// <summary>libvirt keeps memory in whole KiB, the next above.</summary>
    public static long Kept(ByteSize memory) => (memory.Bytes + 1023) / 1024 * 1024;

    private static IEnumerable<PlannedStep> Disks(DomainFacts facts, InstanceChange change, bool isFixed)
    {
        for (int i = 0; i < change.AddDisks.Count; i++)
        {
            LibvirtDisks.Refuse(FormattableString.Invariant($"addDisks[{i}]"), change.AddDisks[i]);
            bool isDrive = change.AddDisks[i].Content is DiskContent.Cd;
            if (isFixed)
                yield return No("disk", Describe(change.AddDisks[i].Content), LibvirtCapabilities.NoTestDevices);
            else
                yield return facts.IsActive && (isDrive || change.AddDisks[i].Bus is "ide" or "sata")
                    ? Later(facts, "disk", null, isDrive ? "a CD drive" : change.AddDisks[i].Bus) : new PlannedStep { Property = "disk", To = Describe(change.AddDisks[i].Content), Effects = ChangeEffects.Live };
        }

        foreach (var (id, size) in change.ResizeDisks)
            yield return Resize(facts, id, size) is { Impossible: null } && isFixed ? No($"disk:{id}", $"{size}", LibvirtCapabilities.NoTestDevices) : Resize(facts, id, size);
        foreach (var (id, limits) in change.LimitDisks)
        {
            if (limits is not null && !limits.IsConsistent(out string? member, out string? problem))
                throw Refusal.Invalid($"limitDisks.{id}.{member}", problem);
            if (facts.View.Disks.FirstOrDefault(disk => disk.Id == id) is not { IsCd: false } disk)
                yield return new PlannedStep { Property = $"disk:{id}.limits", Impossible = $"There is no disk '{id}'." };
            else if (isFixed)
                yield return No($"disk:{id}.limits", limits?.ToString(), LibvirtCapabilities.NoTestDevices);
            else if (disk.Limits != limits)
                yield return new PlannedStep { Property = $"disk:{id}.limits", From = disk.Limits?.ToString(), To = limits?.ToString(), Effects = ChangeEffects.Live };
        }

        foreach (var (id, image) in change.ChangeMedia)
        {
            if (facts.View.Disks.FirstOrDefault(disk => disk.Id == id) is not { IsCd: true } drive)
                yield return new PlannedStep { Property = $"disk:{id}.image", Impossible = $"There is no CD drive '{id}'." };
            else if (isFixed)
                yield return No($"disk:{id}.image", image, LibvirtCapabilities.NoTestDevices);
            else if (drive.Image != image)
                yield return new PlannedStep { Property = $"disk:{id}.image", From = drive.Image, To = image, Effects = ChangeEffects.Live };
        }

        foreach (var id in change.RemoveDevices)
            yield return Removal(facts, id) is { Impossible: null } && isFixed ? No($"device:{id}", null, LibvirtCapabilities.NoTestDevices) : Removal(facts, id);
    }

    private static PlannedStep Resize(DomainFacts facts, DeviceId id, ByteSize size)
    {
        string property = $"disk:{id}";
        if (facts.View.Disks.FirstOrDefault(disk => disk.Id == id) is not { IsCd: false } disk)
            return new PlannedStep { Property = property, Impossible = $"There is no disk '{id}'." };
        if (facts.Record.Disks.GetValueOrDefault(id.ToString())?.Volume is null)
            return new PlannedStep { Property = property, Impossible = "Its volume was not made with the machine: whoever made it makes it larger." };
        if (size.Bytes < disk.Size?.Bytes)
            return new PlannedStep { Property = property, From = $"{disk.Size}", To = $"{size}", Impossible = "A disk is not made smaller: that would cut off what only the guest knows." };
        return new PlannedStep { Property = property, From = $"{disk.Size}", To = $"{size}", Effects = size.Bytes == disk.Size?.Bytes ? ChangeEffects.None : ChangeEffects.Live };
    }

    private static PlannedStep Removal(DomainFacts facts, DeviceId id)
    {
        string property = $"device:{id}";
        if (facts.View.Disks.FirstOrDefault(disk => disk.Id == id) is { } disk)
        {
            var effects = disk.Disposal == DiskDisposal.DeletedWithInstance ? ChangeEffects.DestroysData | ChangeEffects.Live : ChangeEffects.Live;
            bool isFixed = facts.Live?.Disks.FirstOrDefault(live => live.Target == id.ToString()) is { Bus: not ("virtio" or "scsi" or "usb") };
            return isFixed ? new PlannedStep { Property = property, From = $"{id}", Impossible = $"What is at {disk.Bus} is not taken from a machine that runs: stop it first." } : new PlannedStep { Property = property, From = $"{id}", Effects = effects };
        }

        if (facts.View.Networks.All(nic => nic.Id != id))
            return new PlannedStep { Property = property, Impossible = $"There is no device '{id}'." };
        return new PlannedStep { Property = property, From = $"{id}", Effects = ChangeEffects.Live };
    }

    private static IEnumerable<PlannedStep> Networks(InstanceChange change, bool isFixed)
    {
        for (int i = 0; i < change.AddNetworks.Count; i++)
        {
            DomainMaker.RefuseNetwork(FormattableString.Invariant($"addNetworks[{i}]"), change.AddNetworks[i]);
            yield return isFixed ? No("network", change.AddNetworks[i].Network, LibvirtCapabilities.NoTestDevices) : new PlannedStep { Property = "network", To = change.AddNetworks[i].Network, Effects = ChangeEffects.Live };
        }
    }

    private static IEnumerable<PlannedStep> Limits(DomainFacts facts, InstanceChange change)
    {
        if (change.CpuLimit.IsSet)
            yield return new PlannedStep { Property = "cpuLimit", Impossible = "A limit of CPU time is for containers." };
        if (change.MemoryLimit.IsSet)
            yield return new PlannedStep { Property = "memoryLimit", Impossible = "A limit of memory is for containers." };
        foreach (var mount in change.AddMounts)
            yield return new PlannedStep { Property = "mount", To = mount?.Target, Impossible = "A mount is for containers; a machine has disks." };
        if (change.MemoryTarget.IsSet)
            yield return new PlannedStep { Property = "memoryTarget", Impossible = "This driver asks no guest over libvirt to make do with less memory." };
        if (change.RemoveCloudInit && facts.Config.Disks.FirstOrDefault(disk => disk.IsSeed) is { } seed)
        {
            yield return facts.IsActive && seed.IsCd
                ? new PlannedStep { Property = "cloudInit", Impossible = "What cloud-init was given is on a CD, whose drive is not taken from a machine that runs: stop it first." }
                : new PlannedStep { Property = "cloudInit", From = "a seed", Effects = ChangeEffects.Live | ChangeEffects.DestroysData };
        }
    }

    private static string Describe(DiskContent content) => content switch
    {
        DiskContent.Blank blank => $"{blank.Size}",
        DiskContent.FromImage image => $"a copy of {image.Image}",
        DiskContent.Existing existing => $"{existing.Volume}",
        DiskContent.Attached attached => attached.Attachment.Kind,
        _ => "a CD drive",
    };
}
