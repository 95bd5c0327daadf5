namespace Hypervisor.Sdk.Libvirt;

/// <summary>Where a libvirt daemon is, and how its machines are made. Read once, when the backend is connected.</summary>
public sealed class LibvirtBackendOptions
{
    /// <summary>With the name of a socket, it fits into an address of a unix socket, which has 107 bytes.</summary>
    private const int MaxBackupDirectoryLength = 60;

    /// <summary>The name under which the application knows the backend. Default <c>libvirt</c>.</summary>
    public string Name { get; set; } = "libvirt";

    /// <summary>The address, as libvirt writes it: <c>qemu:///system</c>, <c>qemu+tls://host/system</c>, <c>lxc:///</c>, <c>test:///default</c>; see <see cref="LibvirtUri"/>.</summary>
    public required string Uri { get; set; }

    /// <summary>How the connection is made and kept.</summary>
    public LibvirtOptions Connection { get; set; } = new();

    /// <summary>The type of the domains that are made: <c>kvm</c>, <c>qemu</c>. Default: <c>kvm</c> where the daemon offers it, else what it does offer.</summary>
    public string? DomainType { get; set; }

    /// <summary>The storage pool that disks are made in where a spec names none. Default <c>default</c>.</summary>
    public PoolName Pool { get; set; } = PoolName.Parse("default");

    /// <summary>
    /// By which way guests come to this daemon that are moved to it: <c>tcp://192.0.2.7</c>, an address of its host that the other daemon reaches, or <c>unix:///run/guests</c>, a directory that both daemons share.
    /// Default: its host's name, which the other daemon must know.
    /// </summary>
    public string? MigrationUri { get; set; }

    /// <summary>
    /// The address by which other daemons reach this one, as they write it: <c>qemu+tls://host/system</c>, <c>qemu+ssh://root@host/system</c>. Where it is set, the source's daemon itself makes the moves to this one (peer to peer) with its
    /// own credentials, and brings them to an end also without this process; what this one would have done after that (the request's end in the target's log, the
    /// deletion of disks that were copied) is then not done. Default: null, this process steers them.
    /// </summary>
    public string? PeerUri { get; set; }

    /// <summary>
    /// A directory that this process and the daemon's emulators both write to: there an emulator listens whose machine is backed up, and a session leaves the file that says who reads. Whoever is to end what a dead process has left
    /// must have the same one. Default: <c>/var/tmp</c>. A daemon under AppArmor or SELinux must be allowed to make sockets in it.
    /// </summary>
    public string BackupDirectory { get; set; } = "/var/tmp";

    /// <summary>
    /// The first of the 65536 user ids, and group ids, of the daemon's host that stand for those of an unprivileged container (<c>lxc:///</c>): root in it is this one. Its root file system must belong to them. Default: 100000. Not 0, which
    /// is the host's own root.
    /// </summary>
    public int FirstContainerId { get; set; } = 100_000;

    /// <summary>How long work may take where a request does not say. Default: 5 minutes.</summary>
    public TimeSpan DefaultDeadline { get; set; } = TimeSpan.FromMinutes(5);

    internal LibvirtBackendOptions Validated()
    {
        if (!BackendName.TryParse(Name, null, out _))
            throw new ArgumentException($"'{Name}' is not a backend name: 1 to 63 of a-z, 0-9, '-', '_' and '.'.", nameof(Name));
        if (!LibvirtUri.TryParse(Uri, out _))
            throw new ArgumentException(ProblemOf(Uri), nameof(Uri));
        if (DefaultDeadline <= TimeSpan.Zero)
            throw new ArgumentException($"DefaultDeadline is {DefaultDeadline}; it must be positive.", nameof(DefaultDeadline));
        if (MigrationUri is not null && !MigrationUri.StartsWith("tcp://", StringComparison.Ordinal) && !MigrationUri.StartsWith("unix:///", StringComparison.Ordinal))
            throw new ArgumentException($"'{MigrationUri}' is no way for guests: tcp://ADDRESS, or unix:///DIRECTORY.", nameof(MigrationUri));
        if (PeerUri is not null && !LibvirtUri.TryParse(PeerUri, out _))
            throw new ArgumentException(ProblemOf(PeerUri), nameof(PeerUri));
        if (BackupDirectory is not { Length: <= MaxBackupDirectoryLength } directory || !directory.StartsWith('/') || !Xml.BoundedXml.CanHold(directory))
            throw new ArgumentException($"'{BackupDirectory}' is no directory for the sockets of backups: a whole path of at most {MaxBackupDirectoryLength} characters.", nameof(BackupDirectory));
        if (FirstContainerId < 1)
            throw new ArgumentException($"{FirstContainerId} is no first id for containers: it must be positive.", nameof(FirstContainerId));
        if (Pool.IsDefault)
            throw new ArgumentException("A pool is needed.", nameof(Pool));
        ArgumentNullException.ThrowIfNull(Connection);
        var copy = (LibvirtBackendOptions)MemberwiseClone();
        copy.Connection = Connection.Validated();
        return copy;
    }

    private static string ProblemOf(string uri)
    {
        try
        {
            _ = new LibvirtUri(uri);
            return "";
        }
        catch (FormatException error)
        {
            return error.Message;
        }
    }
}
