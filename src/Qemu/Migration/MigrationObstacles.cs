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
        if (config.CloudInit is { Delivery: not CloudInitConfig.Smbios })
            yield return "What cloud-init reads is a disk in the machine's own directory, which the target does not see.";
        if (MachineLock.Look(source.State.Root, config.Id + QemuBackups.LockEnding).IsHeld)
            yield return "A backup reads its disks: end it first.";
        if (source.State.ReadSnapshots(config.Id).Items.Count > 0)
            yield return "It has snapshots, which would stay behind: delete them first.";
    }

    /// <summary>What stands in the way at the target.</summary>
    public static IEnumerable<string> AtTarget(QemuServices source, QemuServices target, DiskMaker disks, MachineConfig config, MachineStatus status)
    {
        string there = target.Name.ToString();
        if (target.State.Root.Find(StateDirectory.Machine(config.Id)) is not null)
            yield return $"'{there}' has a machine with the id '{config.Id}' already, or what an interrupted move of it has left.";
        if (target.State.HolderOf(config.Name) is { } holder && holder != config.Id)
            yield return $"'{there}' has a machine of the name '{config.Name}' already.";
        if (MigrationRoute.Obstacle(source, target) is { } disagreement)
            yield return disagreement;
        foreach (string obstacle in Processors(source, target, config, status))
            yield return obstacle;
        foreach (string obstacle in Files(disks, config))
            yield return obstacle;
        if (config.Nvram is { } nvram && !File.Exists(nvram.Firmware))
            yield return $"The firmware '{nvram.Firmware}' is not there.";
        if (config.Tpm && TpmLauncher.WhyNot(target.Options) is { } noTpm)
            yield return $"'{there}' has no TPM for it: {noTpm}";
        if (config.Networks.FirstOrDefault(network => !NetworkNames.IsUser(network.Network)) is { } bridged && TapDevice.Problem is { } problem)
            yield return $"The network '{bridged.Network}' cannot be joined at '{there}': {problem}";
        if (AvailableMemoryBytes() is { } available && available < config.MemoryBytes)
            yield return $"The host of '{there}' has {new ByteSize(available)} of memory left; it needs {new ByteSize(config.MemoryBytes)}.";
    }

    /// <summary>Room for the disks that move: what their images take now, with what is below them.</summary>
    public static IEnumerable<string> Space(QemuServices source, QemuServices target, MachineConfig config)
    {
        string own = Path.Combine(source.State.Path, StateDirectory.Disks(config.Id));
        long needed = MigrationStorage.DisksOf(config).Sum(disk => Math.Min(disk.SizeBytes, disk.Backing.Select(below => below.ExternalPath ?? Path.Combine(own, below.File!)).Append(Path.Combine(own, disk.File!))
            .Sum(path => new FileInfo(path) is { Exists: true } file ? file.Length : 0)));
        long free = new DriveInfo(target.State.Path).AvailableFreeSpace;
        if (needed > free)
            yield return $"'{target.Name}' has room for {new ByteSize(free)} of disks; they take {new ByteSize(needed)}.";
    }

    private static IEnumerable<string> Processors(QemuServices source, QemuServices target, MachineConfig config, MachineStatus status)
    {
        string there = target.Name.ToString();
        var platform = config.EffectivePlatform;
        var answer = target.Architectures.Ask(QemuArchitectures.Host, platform.Architecture);
        if (answer.Mode == EmulationMode.Impossible)
            yield return $"'{there}' runs no guests of the architecture '{platform.Architecture}': {answer.Reason}";
        var (from, to) = (source.Host.Version, target.Host.Version);
        if ((to.Major, to.Minor).CompareTo((from.Major, from.Minor)) < 0)
            yield return $"'{there}' has QEMU {to}, which is older than the {from} that the guest was started by.";
        else if ((to.Major, to.Minor) != (from.Major, from.Minor) && !config.Machine.Type.Any(char.IsAsciiDigit))
            yield return $"The machine type '{config.Machine.Type}' is another machine in QEMU {to} than in {from}: make the machine with one that states its version.";
        string accelerator = target.Host.Accelerates(config) ? "kvm" : "tcg";
        if (status.Process is { } process && process.Accelerator != accelerator)
            yield return $"The guest runs by {process.Accelerator}, and '{there}' has {accelerator}: the processor would be another one.";
    }

    private static IEnumerable<string> Files(DiskMaker disks, MachineConfig config)
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

    /// <summary>proc_meminfo(5): what can be used without swapping.</summary>
    private static long? AvailableMemoryBytes()
    {
        const string Field = "MemAvailable:";
        string? line = File.ReadLines("/proc/meminfo").FirstOrDefault(line => line.StartsWith(Field, StringComparison.Ordinal));
        return line is not null && long.TryParse(line[Field.Length..].Replace("kB", "", StringComparison.Ordinal).Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out long kibibytes) ? kibibytes << 10 : null;
    }
}
