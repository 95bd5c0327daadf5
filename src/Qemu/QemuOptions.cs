using Hypervisor.Sdk.Hosts;

namespace Hypervisor.Sdk.Qemu;

/// <summary>Where a <see cref="QemuBackend"/> keeps its machines, and how it runs them. Read once, when the backend connects.</summary>
public sealed class QemuOptions
{
    /// <summary>The name under which the application knows the backend. Default <c>local</c>.</summary>
    public string Name { get; set; } = "local";

    /// <summary>
    /// The host that has the machines: <c>ssh://user@host:port</c>, which ssh reaches without asking anything. There <see cref="HostProgram"/> runs the backend, and every path of these options and of specs is a path of that host.
    /// Use <see cref="QemuBackend.OpenAsync"/>. Default null: this host.
    /// </summary>
    public string? Host { get; set; }

    /// <summary>
    /// The directory on this machine that holds the program <c>hvsdk-qemu-host</c>, published for the host (<c>dotnet publish tools/QemuHost -r linux-x64 --self-contained</c>), or a directory for each kind of host in it, called
    /// <c>linux-x64</c>, <c>linux-arm64</c>. It is copied to the host once, into a private directory named by its content. Default: <c>hvsdk-qemu-host</c> beside the application.
    /// </summary>
    public string? HostProgram { get; set; }

    /// <summary>How <see cref="Host"/> is reached. Default: as the user's own configuration of ssh says.</summary>
    public SshOptions Ssh { get; set; } = new();

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

    /// <summary>The directories beneath which files and devices of other people may be attached (<see cref="DiskContent.Attached"/>), through no symbolic link but those of <c>/dev</c>; null for anywhere. Default: anywhere.</summary>
    public IList<string>? AttachDirectories { get; set; }

    /// <summary>Who keeps the secrets that disks need: passphrases, CHAP, Ceph. Asked each time that a disk is opened; what it says is handed to QEMU and qemu-img in memory and written nowhere. Default: nobody.</summary>
    public ISecretProvider? Secrets { get; set; }

    /// <summary>
    /// How long it takes on this host to make a key of a passphrase when a disk is encrypted, and each time that one of its images is opened: it slows down one who guesses. 1 ms to 1 minute; passphrases of 32 random bytes need no
    /// more than the least. Default 2 seconds, which is QEMU's.
    /// </summary>
    public TimeSpan KeyDerivationTime { get; set; } = TimeSpan.FromSeconds(2);

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

    /// <summary>The clock. Default: the system's. Another host has a clock of its own; there this one is that of the connection.</summary>
    public TimeProvider TimeProvider { get; set; } = TimeProvider.System;

    /// <summary>
    /// Finds the other backends by their names, to which machines can be moved (<see cref="IMigration"/>), and from which they came when a move was interrupted: they must be QEMU's, each on this host or on another
    /// (<see cref="Host"/>). Set it for both sides of a move: one that cannot ask the other leaves what an interrupted move has left until it is told. It is called only in this process. Default: <c>AddQemu</c> sets it to the
    /// application's backends; without it machines do not move.
    /// </summary>
    public Func<BackendName, CancellationToken, ValueTask<IBackend>>? FindBackend { get; set; }

    /// <summary>
    /// The directory with the certificates by which this host proves who it is to those that read a disk by TCP (<c>IDiskExports</c>), and by which it knows them: <c>ca-cert.pem</c>, <c>server-cert.pem</c> and <c>server-key.pem</c>
    /// (QEMU's object <c>tls-creds-x509</c>). The user that QEMU runs as must be able to read it. Whoever has a certificate of that authority may read. Default null: no TLS, and only at a loopback address.
    /// </summary>
    public string? ExportTlsDirectory { get; set; }

    /// <summary>By which way guests come that are moved here. Default: through this process.</summary>
    public QemuMigrationOptions Migration { get; set; } = new();

    internal QemuOptions Validated()
    {
        Require(BackendName.TryParse(Name, null, out _), nameof(Name), Name, "1 to 63 of a-z, 0-9, '-', '_' and '.'");
        Require(Host is null || SshAddress.TryParse(Host, null, out _), nameof(Host), Host is null || Host.Contains('@') ? "" : Host, "an address like ssh://user@host:port, without a password");
        Require(HostProgram is null || Path.IsPathFullyQualified(HostProgram), nameof(HostProgram), HostProgram ?? "", "an absolute path");
        Require(Path.IsPathFullyQualified(StateDirectory) && !StateDirectory.Contains('\0'), nameof(StateDirectory), StateDirectory, "an absolute path");
        Require(RuntimeDirectory is null || Path.IsPathFullyQualified(RuntimeDirectory), nameof(RuntimeDirectory), RuntimeDirectory ?? "", "an absolute path");
        Require(QemuSystem.Length > 0 && !QemuSystem.Contains('\0'), nameof(QemuSystem), QemuSystem, "a path or a name");
        Require(QemuImg.Length > 0 && !QemuImg.Contains('\0'), nameof(QemuImg), QemuImg, "a path or a name");
        Require(Swtpm.Length > 0 && !Swtpm.Contains('\0'), nameof(Swtpm), Swtpm, "a path or a name");
        Require(ConsoleLogLimit >= ByteSize.FromKiB(64), nameof(ConsoleLogLimit), ConsoleLogLimit.ToString(), "64 KiB or more");
        Require(ExportTlsDirectory is null || (Path.IsPathFullyQualified(ExportTlsDirectory) && !ExportTlsDirectory.Contains('\0')), nameof(ExportTlsDirectory), ExportTlsDirectory ?? "", "an absolute path");
        Require(KeyDerivationTime >= TimeSpan.FromMilliseconds(1) && KeyDerivationTime <= TimeSpan.FromMinutes(1), nameof(KeyDerivationTime), KeyDerivationTime.ToString(), "1 ms to 1 minute");
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
