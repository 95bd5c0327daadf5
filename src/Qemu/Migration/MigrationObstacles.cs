using System.Globalization;
using System.Runtime.Versioning;
using Hypervisor.Sdk.Qemu.Backups;
using Hypervisor.Sdk.Qemu.Driver;
using Hypervisor.Sdk.Qemu.Machines;
using Hypervisor.Sdk.Qemu.Processes;
using Hypervisor.Sdk.Qemu.State;

namespace Hypervisor.Sdk.Qemu.Migration;

/// <summary>Everything that stands in the way of a move, before anything of it begins.</summary>
[SupportedOSPlatform("linux")]
internal static class MigrationObstacles
{
    /// <summary>An instruction that Intel withdrew before any processor had it. Older versions of QEMU's emulation have it, newer ones do not, and no guest misses it.</summary>
    private const string Withdrawn = "pcommit";

    /// <summary>What stands in the way at the source, wherever it is to go.</summary>
    public static IEnumerable<string> AtSource(QemuServices source, MachineConfig config, MachineStatus status, bool withStorage)
    {
        if (!status.IsUp)
            yield return $"It is {status.State}; only a machine whose QEMU runs moves.";
        else if (status.State != PowerState.Running && status.State != PowerState.Paused)
            yield return $"It is {status.State}; it must be {PowerState.Running} or {PowerState.Paused}.";
        if (status.State == PowerState.Paused && config.Nvram is not null)
            yield return "It is paused, and what its UEFI firmware remembers is written down at the target only when the guest goes on there: resume it first.";
        if (status.Process is { } process && process.Lacks(config))
            yield return "It has changes that wait for its next start, so its devices are not those that the target would make. Restart it first.";
        foreach (var disk in MigrationStorage.DisksOf(config).Where(disk => !withStorage || disk.ReadOnly))
            yield return $"The disk '{disk.Id}' is in the machine's own directory, which the target does not see: {(disk.ReadOnly ? "it is read-only and cannot move along" : $"let it move along ({nameof(MigrationOptions)}.{nameof(MigrationOptions.WithStorage)})")}, or attach one that both see.";
        if (config.HostDevices.Count > 0)
            yield return $"It has devices of this host: {string.Join(", ", config.HostDevices.Select(device => device.Address))}.";
        if (config.CloudInit is { Delivery: not CloudInitConfig.Smbios })
            yield return "What cloud-init reads is a disk in the machine's own directory, which the target does not see.";
        if (MachineLock.Look(source.State.Root, config.Id + QemuBackups.LockEnding).IsHeld)
            yield return "A backup or an export reads its disks: end it first.";
        if (source.State.ReadSnapshots(config.Id).Items.Count > 0)
            yield return "It has snapshots, which would stay behind: delete them first.";
    }

    /// <summary>What stands in the way at the target.</summary>
    public static IEnumerable<string> AtTarget(QemuServices target, DiskMaker disks, MigrationQuestion question)
    {
        var config = question.Config;
        string there = target.Name.ToString();
        if (target.State.Root.Find(StateDirectory.Machine(config.Id)) is not null)
            yield return $"'{there}' has a machine with the id '{config.Id}' already, or what an interrupted move of it has left.";
        if (target.State.HolderOf(config.Name) is { } holder && holder != config.Id)
            yield return $"'{there}' has a machine of the name '{config.Name}' already.";
        if (MigrationRoute.Obstacle(question.Source, question.SourceHasTls, target) is { } disagreement)
            yield return disagreement;
        foreach (string obstacle in Processors(target, question))
            yield return obstacle;
        foreach (string obstacle in Files(disks, config))
            yield return obstacle;
        if (config.Disks.FirstOrDefault(disk => disk.Passphrase is not null || disk.Remote?.Secret is not null) is { } locked && target.Options.Secrets is null)
            yield return $"The disk '{locked.Id}' is opened by a secret, and '{there}' was given nobody who keeps secrets ({nameof(QemuOptions)}.{nameof(QemuOptions.Secrets)}).";
        if (config.Nvram is { } nvram && !File.Exists(nvram.Firmware))
            yield return $"The firmware '{nvram.Firmware}' is not there.";
        if (config.Tpm && TpmLauncher.WhyNot(target.Options) is { } noTpm)
            yield return $"'{there}' has no TPM for it: {noTpm}";
        foreach (string network in config.Networks.Select(network => network.Network).Where(network => !NetworkNames.IsUser(network)).Distinct())
        {
            if (TapDevice.WhyNot(network) is { } problem)
                yield return $"The network '{network}' cannot be joined at '{there}': {problem}";
        }

        long? left = config.Machine.HugePages ? HugePageBytes() : MemoryInfo("MemAvailable:") << 10;
        if (left is { } available && available < config.MemoryBytes)
            yield return $"The host of '{there}' has {new ByteSize(available)} of {(config.Machine.HugePages ? "huge pages (vm.nr_hugepages)" : "memory")} left; it needs {new ByteSize(config.MemoryBytes)}.";
    }

    /// <summary>What the target's QEMU lacks of the machine: its type, its processor.</summary>
    public static IEnumerable<string> Offered(QemuServices target, MigrationOffer offer, MigrationQuestion question)
    {
        var config = question.Config;
        string there = target.Name.ToString();
        if (!offer.MachineTypes.Contains(config.Machine.Type))
            yield return $"The QEMU of '{there}' has no machine type '{config.Machine.Type}'.";
        string model = question.CpuModel.Split(',')[0];
        if (offer.CpuModels.Count > 0 && !offer.CpuModels.Contains(model))
            yield return $"The QEMU of '{there}' has no processor model '{model}'.";
        // One that it does not know at all is none that any guest uses: QEMU has withdrawn it.
        var lacking = question.GuestFeatures.Where(feature => feature != Withdrawn && offer.CpuFeatures.TryGetValue(feature, out bool has) && !has).Order(StringComparer.Ordinal).ToList();
        if (lacking.Count > 0)
            yield return $"The guest's processor ('{model}') has what '{there}' cannot give it: {string.Join(", ", lacking)}.";
    }

    /// <summary>What a machine of another process's backend names that nobody could have made here.</summary>
    public static IEnumerable<string> Foreign(QemuServices target, MachineConfig config)
    {
        var platform = config.EffectivePlatform;
        if (config.Platform is not null && !target.Architectures.All.Any(known => known.Architecture == platform.Architecture && known.Program == platform.Program && known.MachineOptions == platform.MachineOptions && known.Firmware.SequenceEqual(platform.Firmware)))
            yield return $"The architecture '{platform.Name}' is defined by the program '{platform.Program}', and '{target.Name}' knows none such: register it there too.";
        if (config.Nvram is { } nvram && !UefiFirmware.IsKnown(target.Options, platform.Name, config.Machine.Type, nvram.Firmware))
            yield return $"The firmware '{nvram.Firmware}' is none of '{target.Name}'.";
        if (config.HostDevices.Count > 0)
            yield return "It has devices of a host.";
        if (!InstanceName.TryParse(config.Name, null, out _))
            yield return "Its name is none.";
    }

    /// <summary>What stands in the way of a move that ends by post-copy.</summary>
    public static IEnumerable<string> PostCopy(QemuServices target, MigrationOffer offer, MachineConfig config)
    {
        if (offer.PostCopyProblem is { } problem)
            yield return $"'{target.Name}' takes no guests in by post-copy: {problem}";
        if (target.Options.Migration.Channels > 1)
            yield return $"'{target.Name}' takes memory in by {target.Options.Migration.Channels} connections ({nameof(QemuMigrationOptions)}.{nameof(QemuMigrationOptions.Channels)}), which QEMU does not do together with post-copy.";
        if (config.Machine.HugePages)
            yield return "Its memory is in huge pages, of which each would be fetched whole while the guest waits; that is not done here.";
    }

    /// <summary>Room for the disks that move.</summary>
    public static IEnumerable<string> Space(QemuServices target, long needed)
    {
        long free = new DriveInfo(target.State.Path).AvailableFreeSpace;
        if (needed > free)
            yield return $"'{target.Name}' has room for {new ByteSize(free)} of disks; they take {new ByteSize(needed)}.";
    }

    private static IEnumerable<string> Processors(QemuServices target, MigrationQuestion question)
    {
        string there = target.Name.ToString();
        var config = question.Config;
        var (from, to) = (Version.Parse(question.SourceVersion), target.Host.Version);
        if ((to.Major, to.Minor).CompareTo((from.Major, from.Minor)) < 0)
            yield return $"'{there}' has QEMU {to}, which is older than the {from} that the guest was started by.";
        else if ((to.Major, to.Minor) != (from.Major, from.Minor) && !config.Machine.Type.Any(char.IsAsciiDigit))
            yield return $"The machine type '{config.Machine.Type}' is another machine in QEMU {to} than in {from}: make the machine with one that states its version.";
        string accelerator = target.Host.Accelerates(config) ? "kvm" : "tcg";
        if (question.Accelerator is { } runs && runs != accelerator)
            yield return $"The guest runs by {runs}, and '{there}' has {accelerator}: the processor would be another one.";
    }

    /// <summary>What of its files is not where this host has them, or may not be used.</summary>
    public static IEnumerable<string> Files(DiskMaker disks, MachineConfig config)
    {
        (string? Path, string What)[] images = [(config.Boot.Path, "boot image"), (config.Boot.InitrdPath, "initial RAM disk")];
        foreach (var (path, what) in images)
        {
            if (path is not null && Try(() => disks.PathOfImage(path, "boot")) is { } problem)
                yield return $"The {what} is not there: {problem}";
        }

        foreach (var disk in config.Disks.Where(disk => disk.ExternalPath is not null))
        {
            if (Try(() => Open(disk)) is { } problem)
                yield return $"The disk '{disk.Id}' is not there: {problem}";
            foreach (var below in disk.Backing.Where(below => below.ExternalPath is not null && !File.Exists(below.ExternalPath)))
                yield return $"The image '{below.ExternalPath}' below the disk '{disk.Id}' is not there.";
        }

        void Open(DiskConfig disk)
        {
            if (disk.IsCd)
                disks.PathOfImage(disk.ExternalPath!, disk.Id);
            else
                disks.OpenAttached(disk.ExternalPath!, disk.ReadOnly, disk.Id).Dispose();
        }
    }

    private static string? Try(Action look)
    {
        try
        {
            look();
            return null;
        }
        catch (HypervisorException error)
        {
            return error.Message;
        }
    }

    /// <summary>What is left of what the host has set aside for huge pages.</summary>
    private static long? HugePageBytes() => MemoryInfo("HugePages_Free:") * MemoryInfo("Hugepagesize:") << 10;

    /// <summary>A number of proc_meminfo(5); null where the kernel does not say it.</summary>
    private static long? MemoryInfo(string field)
    {
        string? line = File.ReadLines("/proc/meminfo").FirstOrDefault(line => line.StartsWith(field, StringComparison.Ordinal));
        return line is not null && long.TryParse(line[field.Length..].Replace("kB", "", StringComparison.Ordinal).Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out long number) ? number : null;
    }
}
