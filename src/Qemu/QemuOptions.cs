namespace Hypervisor.Sdk.Qemu;

/// <summary>Where a <see cref="QemuBackend"/> keeps its machines, and how it runs them. Read once, when the backend connects.</summary>
public sealed class QemuOptions
{
    /// <summary>The name under which the application knows the backend. Default <c>local</c>.</summary>
    public string Name { get; set; } = "local";

    /// <summary>The directory that keeps configurations, journals and disks; made when it is missing. Several processes may use one at the same time. Default: none, it must be set.</summary>
    public string StateDirectory { get; set; } = "";

    /// <summary>The directory for sockets; made when it is missing. At most 80 bytes, because a socket's path has 108. Default: <c>run</c> in the state directory.</summary>
    public string? RuntimeDirectory { get; set; }

    /// <summary>QEMU: a path, or a name that is looked up in PATH. Default <c>qemu-system-x86_64</c>.</summary>
    public string QemuSystem { get; set; } = "qemu-system-x86_64";

    /// <summary>Architectures that are known beside <see cref="QemuArchitectures.BuiltIn"/>, or instead of one of them. Default: none.</summary>
    public IList<QemuArchitecture> Architectures { get; } = [];

    /// <summary>qemu-img: a path, or a name that is looked up in PATH. Default <c>qemu-img</c>.</summary>
    public string QemuImg { get; set; } = "qemu-img";

    /// <summary>swtpm, the emulated TPM of machines that have one: a path, or a name that is looked up in PATH. Default <c>swtpm</c>.</summary>
    public string Swtpm { get; set; } = "swtpm";

    /// <summary>
    /// The directories in which QEMU looks for its firmware, option ROMs and key maps (<c>-L</c>), in this order and before its own: what a QEMU needs that was unpacked and not installed. The user that QEMU runs as must be able to
    /// read them. Default: none, those that it was built for.
    /// </summary>
    public IList<string> FirmwareDirectories { get; } = [];

    /// <summary>What runs the guests' code. Default: KVM where it works, else TCG; the backend's answer to <see cref="Capability.HardwareAcceleration"/> says which and why.</summary>
    public QemuAccelerator Accelerator { get; set; }

    /// <summary>
    /// The user whose rights QEMU has, when this process is root: a name of /etc/passwd or a number. Not root. Default: <c>hypervisor-sdk</c> where there is such a user, else <c>nobody</c>. Not used, and refused, when this process is not root.
    /// </summary>
    public string? RunAsUser { get; set; }

    /// <summary>The directories beneath which images, CDs, kernels and initial RAM disks may be named; nothing else of the host reaches a guest that way. Default: none.</summary>
    public IList<string> ImageDirectories { get; } = [];

    /// <summary>The directories beneath which files and devices of other people may be attached (<see cref="DiskContent.Attached"/>); null for anywhere. Default: anywhere.</summary>
    public IList<string>? AttachDirectories { get; set; }

    /// <summary>Who keeps the secrets that disks need: passphrases, CHAP, Ceph. Asked at each start; what it says is handed to QEMU in memory and written nowhere. Default: nobody.</summary>
    public ISecretProvider? Secrets { get; set; }

    /// <summary>Whether guests are held to their CPUs and memory by a control group, where one can be made. Default true.</summary>
    public bool LimitResources { get; set; } = true;

    /// <summary>
    /// How much of what a guest prints on its first serial port is kept on disk, from the end; older output goes, at the latest when it is a quarter more. At least 64 KiB. Default 16 MiB.
    /// Held to while some process has the state directory open, and on file systems that can have holes (ext4, XFS, btrfs, tmpfs); the log begins anew with every start of the machine.
    /// </summary>
    public ByteSize ConsoleLogLimit { get; set; } = ByteSize.FromMiB(16);

    /// <summary>How long a call and its work may take when the request does not say. Default 5 minutes.</summary>
    public TimeSpan DefaultDeadline { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>How long QEMU may take to answer after it was started. Default 30 seconds.</summary>
    public TimeSpan StartTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>The clock. Default: the system's.</summary>
    public TimeProvider TimeProvider { get; set; } = TimeProvider.System;

    /// <summary>
    /// Finds the other backends by their names, to which machines can be moved (<see cref="IMigration"/>): they must be QEMU's, connected in this process. Default: <c>AddQemu</c> sets it to the application's
    /// backends; without it machines do not move.
    /// </summary>
    public Func<BackendName, CancellationToken, ValueTask<IBackend>>? FindBackend { get; set; }

    /// <summary>By which way guests come that are moved here. Default: through this process.</summary>
    public QemuMigrationOptions Migration { get; set; } = new();

    internal QemuOptions Validated()
    {
        Require(BackendName.TryParse(Name, null, out _), nameof(Name), Name, "1 to 63 of a-z, 0-9, '-', '_' and '.'");
        Require(Path.IsPathFullyQualified(StateDirectory) && !StateDirectory.Contains('\0'), nameof(StateDirectory), StateDirectory, "an absolute path");
        Require(RuntimeDirectory is null || Path.IsPathFullyQualified(RuntimeDirectory), nameof(RuntimeDirectory), RuntimeDirectory ?? "", "an absolute path");
        Require(QemuSystem.Length > 0 && !QemuSystem.Contains('\0'), nameof(QemuSystem), QemuSystem, "a path or a name");
        Require(QemuImg.Length > 0 && !QemuImg.Contains('\0'), nameof(QemuImg), QemuImg, "a path or a name");
        Require(Swtpm.Length > 0 && !Swtpm.Contains('\0'), nameof(Swtpm), Swtpm, "a path or a name");
        Require(ConsoleLogLimit >= ByteSize.FromKiB(64), nameof(ConsoleLogLimit), ConsoleLogLimit.ToString(), "64 KiB or more");
        Require(DefaultDeadline > TimeSpan.Zero, nameof(DefaultDeadline), DefaultDeadline.ToString(), "positive");
        Require(StartTimeout > TimeSpan.Zero, nameof(StartTimeout), StartTimeout.ToString(), "positive");
        foreach (string directory in ImageDirectories)
            Require(Path.IsPathFullyQualified(directory), nameof(ImageDirectories), directory, "a list of absolute paths");
        foreach (string directory in AttachDirectories ?? [])
            Require(Path.IsPathFullyQualified(directory), nameof(AttachDirectories), directory, "a list of absolute paths");
        foreach (var architecture in Architectures)
            architecture.Validated();
        foreach (string directory in FirmwareDirectories)
            Require(Path.IsPathFullyQualified(directory) && !directory.Contains('\0'), nameof(FirmwareDirectories), directory, "a list of absolute paths");
        var copy = (QemuOptions)MemberwiseClone();
        copy.Migration = Migration.Validated();
        copy.StateDirectory = Path.TrimEndingDirectorySeparator(Path.GetFullPath(StateDirectory));
        copy.RuntimeDirectory = Path.TrimEndingDirectorySeparator(Path.GetFullPath(RuntimeDirectory ?? Path.Combine(StateDirectory, "run")));
        return copy;
    }

    private static void Require(bool holds, string name, string value, string rule)
    {
        if (!holds)
            throw new ArgumentException($"{nameof(QemuOptions)}.{name} is '{value.Replace('\0', '?')}'; it must be {rule}.", name);
    }
}
