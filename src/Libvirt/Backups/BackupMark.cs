using Hypervisor.Sdk.Libvirt.Xml;

namespace Hypervisor.Sdk.Libvirt.Backups;

/// <summary>
/// The file of a session: who has it open reads a domain's disks. Whoever finds it free knows that the session's process has died, and by its length whether the session was completed before: if not, its checkpoint is nobody's.
/// </summary>
internal sealed class BackupMark : IDisposable
{
    private const string Prefix = "hvsdk-";
    private const string Ending = ".backup";

    private readonly FileStream _file;
    private readonly string _directory;

    private BackupMark(string directory, string name, FileStream file) => (_directory, Name, _file) = (directory, name, file);

    /// <summary>The session's own name, which is the name of its checkpoint too.</summary>
    public string Name { get; }

    /// <summary>Whether the session was completed.</summary>
    public bool IsCompleted => _file.Length > 0;

    /// <summary>Where the emulator listens.</summary>
    public string Socket => SocketOf(_directory, Name);

    /// <summary>Where what the guest overwrites of a disk is kept: beside its image, where it has one.</summary>
    public string ScratchOf(DomainDisk disk) => disk.Element.Attribute("type")?.Value == "file" && disk.Source is { } image ? $"{image}.{Name}" : Path.Combine(_directory, $"{Name}-{disk.Target}.scratch");

    /// <summary>Whether a checkpoint is one of ours.</summary>
    public static bool IsName(string name) => name.StartsWith(Prefix, StringComparison.Ordinal) && Guid.TryParseExact(name[Prefix.Length..], "N", out _);

    /// <summary>The session that listens at a socket; null when it is none of ours.</summary>
    public static string? NameOf(string directory, string? socket) => Path.GetFileNameWithoutExtension(socket) is { } name && IsName(name) && SocketOf(directory, name) == socket ? name : null;

    /// <summary>A new one, held. Later ones sort behind.</summary>
    /// <exception cref="HypervisorException">The directory is not there, or cannot be written to.</exception>
    public static BackupMark Create(string directory, DateTimeOffset now)
    {
        string name = Prefix + Guid.CreateVersion7(now).ToString("N");
        try
        {
            var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.ReadWrite, Share = FileShare.None, BufferSize = 0 };
            if (!OperatingSystem.IsWindows())
                options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            return new BackupMark(directory, name, new FileStream(FileOf(directory, name), options));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new HypervisorException($"Backups are read by way of '{directory}' ({nameof(LibvirtBackendOptions)}.{nameof(LibvirtBackendOptions.BackupDirectory)}), where no file can be made: {error.Message}", ErrorCode.Unavailable, RequestOutcome.NotSent, error);
        }
    }

    /// <summary>The one that a session has left; null when there is none, or somebody has it.</summary>
    public static BackupMark? TryTake(string directory, string name)
    {
        try
        {
            return new BackupMark(directory, name, new FileStream(FileOf(directory, name), new FileStreamOptions { Mode = FileMode.Open, Access = FileAccess.ReadWrite, Share = FileShare.None, BufferSize = 0 }));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Writes down that the session is completed.</summary>
    public void Complete() => _file.Write("completed"u8);

    /// <summary>Nothing is left to be removed: neither is the file, nor the socket.</summary>
    public void Remove()
    {
        TryDelete(Socket);
        TryDelete(FileOf(_directory, Name));
    }

    /// <summary>Lets it go. What was not removed says to the next session that there is something to be removed.</summary>
    public void Dispose() => _file.Dispose();

    private static string FileOf(string directory, string name) => Path.Combine(directory, name + Ending);

    private static string SocketOf(string directory, string name) => Path.Combine(directory, name + ".sock");

    private static void TryDelete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // It belongs to the emulator, whose daemon removes it, or to nobody.
        }
    }
}
