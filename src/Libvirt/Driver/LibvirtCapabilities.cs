namespace Hypervisor.Sdk.Libvirt.Driver;

/// <summary>What a backend can do, and why not: the same words in an answer and in a refusal.</summary>
internal static class LibvirtCapabilities
{
    public const string NoCloudInit = "libvirt's test driver runs no guests that could read what cloud-init is given.";
    public const string NoTpm = "This driver adds no TPM to the machines that it makes.";
    public const string NoUefi = "libvirt's test driver has no firmware.";
    public const string NoPassthrough = "This driver hands no devices of the host to the machines that it makes.";
    public const string NoMemoryWhileRunning = "Another size of memory takes effect at the next start.";

    public const string NoTestDevices = "libvirt's test driver changes no devices of machines that run.";

    public const string NoTestGuests = "libvirt's test driver runs no guests.";

    public const string NoContainerRename = "libvirt's LXC driver gives containers no other names.";
    public const string NoContainerCloudInit = "libvirt's LXC driver has no way to hand cloud-init data to a container.";
    public const string NoContainerDisks = "A container has a root file system and no disks: this driver changes none of it.";
    public const string NoContainerSnapshots = "libvirt's LXC driver takes no snapshots.";
    public const string NoEphemeral = "A container that this driver makes over libvirt stays until it is deleted.";
    public const string NoMounts = "This driver mounts nothing but the root of a container over libvirt.";
    public const string NoPorts = "libvirt forwards no ports of the host to a container.";
    public const string NoUserNetwork = "the network 'user' is what QEMU does for machines: a container joins a network of the daemon's or a bridge of its host.";
    public const string OnlyMachines = "That is for machines: of a container, CPU time and memory are limited (cpuLimit, memoryLimit).";

    /// <summary>A backup can go on from what an earlier one has read.</summary>
    public static Capability IncrementalBackups { get; } = Capability.Parse("incremental-backups");

    /// <summary>A snapshot can lie beside the images of the disks (<see cref="ILibvirtSnapshots"/>).</summary>
    public static Capability ExternalSnapshots { get; } = Capability.Parse("external-snapshots");

    /// <summary>Why a daemon goes back to no snapshots beside images.</summary>
    public static string NoExternalRevert(LibvirtParts parts) => $"the daemon (libvirt {parts.Host.Version}) does not go back to snapshots beside images: libvirt 9.9 and later do";

    /// <summary>Why disks cannot be read while their machine runs; null where they can.</summary>
    public static string? WhyNoBackups(LibvirtParts parts)
    {
        if (parts.IsTestDriver)
            return NoTestGuests;
        if (!parts.Host.HasBackups)
            return $"The daemon (libvirt {parts.Host.Version}) takes no backups: libvirt 7.2 and QEMU 5.1 or later do.";
        return parts.Uri.Transport == LibvirtTransport.Unix ? null
            : $"The emulators serve the content of disks at a unix socket, and the daemon, which is reached by {parts.Uri.Transport}, has another file system than this process. A process on its host can do it.";
    }

    public static CapabilityAnswer Answer(LibvirtParts parts, Capability capability, CapabilityTarget target = default)
    {
        if (parts.IsContainers)
            return OfContainers(capability);
        if (capability == IncrementalBackups)
            return WhyNoBackups(parts) is { } why ? CapabilityAnswer.No(why) : CapabilityAnswer.Conditional("A machine that runs, all of whose writable disks are qcow2 images; this process and the daemon share a directory (LibvirtBackendOptions.BackupDirectory).");
        if (capability == ExternalSnapshots)
        {
            return parts.IsTestDriver ? CapabilityAnswer.No(NoTestGuests)
                : CapabilityAnswer.Conditional($"Its writable disks are volumes of its own in pools of files, it does not boot by UEFI, and it has no snapshots within its images{(parts.Host.RevertsExternalSnapshots ? "" : $"; {NoExternalRevert(parts)}")}.");
        }

        if (capability == Capability.MigrationHandover && !parts.IsTestDriver)
            return CapabilityAnswer.Yes;
        if (capability == Capability.LinkedClones && target.Pool is not null && !parts.IsTestDriver)
            return CapabilityAnswer.Conditional("The pool keeps its volumes as files.");
        if (capability == Capability.VirtualMachines || capability == Capability.UniqueNames || capability == Capability.RequestLog)
            return CapabilityAnswer.Yes;
        if (capability == Capability.UefiFirmware)
            return parts.IsTestDriver ? CapabilityAnswer.No(NoUefi) : CapabilityAnswer.Yes;
        if (capability == Capability.HardwareAcceleration)
            return parts.DomainType == "kvm" ? CapabilityAnswer.Yes : CapabilityAnswer.No(parts.IsTestDriver ? NoTestGuests : $"Machines are made of the type '{parts.DomainType}', which an emulator runs.");
        if (capability == Capability.LimitDisks || capability == Capability.HotplugDisk || capability == Capability.HotplugNetwork || capability == Capability.OnlineResizeDisk || capability == Capability.ChangeMedia)
            return parts.IsTestDriver ? CapabilityAnswer.No(NoTestDevices) : CapabilityAnswer.Yes;
        if (capability == Capability.HotplugCpu)
            return CapabilityAnswer.Conditional("The machine was made with room for more CPUs (Sizing.MaxCpus).");
        if (capability == Capability.HotplugMemory)
            return parts.IsTestDriver ? CapabilityAnswer.No(NoMemoryWhileRunning) : CapabilityAnswer.Conditional("The machine is a PC that was made with room for more memory (Sizing.MaxMemory), which comes in pieces of 128 MiB.");
        if (capability == Capability.Snapshots)
            return parts.IsTestDriver ? CapabilityAnswer.Yes : CapabilityAnswer.Conditional("Its writable disks are qcow2 images, and it does not boot by UEFI.");
        if (capability == Capability.MemorySnapshots)
            return parts.IsTestDriver ? CapabilityAnswer.Yes : CapabilityAnswer.Conditional("Its writable disks are qcow2 images, and it does not boot by UEFI.");
        if (capability == Capability.GraphicsConsole)
            return CapabilityAnswer.Yes;
        if (capability == Capability.SerialConsole)
            return parts.IsTestDriver ? CapabilityAnswer.No(NoTestGuests) : CapabilityAnswer.Yes;
        if (capability == Capability.LiveMigration)
            return parts.IsTestDriver ? CapabilityAnswer.No(NoTestGuests) : CapabilityAnswer.Conditional("To another daemon that this process is connected to and that this one reaches; disks must be reached by both, or move along (MigrationOptions.WithStorage).");
        if (capability == Capability.CloudInit)
            return parts.IsTestDriver ? CapabilityAnswer.No(NoCloudInit) : CapabilityAnswer.Yes;
        if (capability == Capability.GuestAgent)
            return parts.IsTestDriver ? CapabilityAnswer.No(NoTestGuests) : CapabilityAnswer.Conditional("The guest runs an agent of QEMU's.");
        if (capability == Capability.NetworkMetrics)
            return parts.IsTestDriver ? CapabilityAnswer.No(NoTestGuests) : CapabilityAnswer.Conditional("Devices in a network or on a bridge are counted by the host; those of the network 'user' by nobody.");
        return CapabilityAnswer.No(WhyNot(capability));
    }

    private static CapabilityAnswer OfContainers(Capability capability)
    {
        // There is no machine between a container's programs and the processor.
        if (capability == Capability.Containers || capability == Capability.UniqueNames || capability == Capability.RequestLog || capability == Capability.SerialConsole
            || capability == Capability.HotplugCpu || capability == Capability.HotplugMemory || capability == Capability.HardwareAcceleration)
            return CapabilityAnswer.Yes;
        if (capability == Capability.NetworkMetrics)
            return CapabilityAnswer.Conditional("The container is in a network or on a bridge: the host counts the device.");
        if (capability == Capability.LinkedClones)
            return CapabilityAnswer.No("The root of a container is a whole copy of its image: the daemon mounts it as it is.");
        if (capability == Capability.VirtualMachines)
            return CapabilityAnswer.No("libvirt's LXC driver runs containers only: another connection to the same daemon (qemu:///system) runs machines.");
        if (capability == Capability.Snapshots || capability == Capability.MemorySnapshots)
            return CapabilityAnswer.No(NoContainerSnapshots);
        if (capability == Capability.CloudInit)
            return CapabilityAnswer.No(NoContainerCloudInit);
        if (capability == Capability.HotplugNetwork)
            return CapabilityAnswer.No("A network card comes and goes with the next start of a container.");
        if (capability == Capability.HotplugDisk || capability == Capability.OnlineResizeDisk || capability == Capability.LimitDisks)
            return CapabilityAnswer.No(NoContainerDisks);
        if (capability == Capability.MigrationHandover)
            return CapabilityAnswer.Yes;
        if (capability == Capability.LiveMigration)
            return CapabilityAnswer.No("libvirt's LXC driver moves no container that runs.");
        if (capability == Capability.UefiFirmware || capability == Capability.Tpm || capability == Capability.GraphicsConsole || capability == Capability.ChangeMedia || capability == Capability.GuestAgent)
            return CapabilityAnswer.No("A container is no machine: it has neither firmware, TPM, screen, drives nor an agent.");
        return CapabilityAnswer.No(WhyNot(capability));
    }

    private static string WhyNot(Capability capability)
    {
        if (capability == Capability.Tpm)
            return NoTpm;
        if (capability == Capability.AtomicRevision)
            return "Domains have no revision: this driver compares before it writes, and of two that write at once the last one wins.";
        if (capability == Capability.ResumableOperations)
            return "A daemon keeps no tasks: a call answers when it has done. Look the request up instead.";
        if (capability == Capability.Containers)
            return "This connection is to a driver of machines: another one to the same daemon (lxc:///) runs containers.";
        return $"This driver does not do '{capability}' over libvirt.";
    }
}
