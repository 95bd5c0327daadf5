using System.Security.Cryptography;

namespace Hypervisor.Sdk.ReferenceHost;

/// <summary>The directory that outlives the host: machines, disks, sessions. It is the owner's alone, and one host's at a time.</summary>
internal sealed class StateDirectory : IDisposable
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const int KeyBytes = 32;

    private readonly FileStream _lock;

    private StateDirectory(string path, FileStream held) => (Path, _lock) = (path, held);

    public string Path { get; }

    public string Machines => Beneath("machines");

    public string Disks => Beneath("disks");

    public string Sessions => Beneath("sessions.json");

    public string SignInToken => Beneath("sign-in-token");

    public string HostFile => Beneath("host.json");

    public string ControlSocket => ControlSocketOf(Path);

    public static string ControlSocketOf(string path) => System.IO.Path.Combine(path, "control.sock");

    /// <summary>Makes the directory where there is none, and takes its lock.</summary>
    /// <exception cref="IOException">Another host has it.</exception>
    public static StateDirectory Open(string path)
    {
        Directory.CreateDirectory(path);
        File.SetUnixFileMode(path, OwnerOnly | UnixFileMode.UserExecute);
        Directory.CreateDirectory(System.IO.Path.Combine(path, "disks"), OwnerOnly | UnixFileMode.UserExecute);
        return new(path, new FileStream(System.IO.Path.Combine(path, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
    }

    /// <summary>Writes a file that only the owner reads, whole or not at all.</summary>
    public static void Write(string path, ReadOnlySpan<byte> content)
    {
        string draft = path + ".new";
        File.Delete(draft);
        using (var file = new FileStream(draft, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = OwnerOnly }))
        {
            file.Write(content);
            file.Flush(flushToDisk: true);
        }

        File.Move(draft, path, overwrite: true);
    }

    /// <summary>A key of this directory's, made on first use.</summary>
    public Secret Key(string name)
    {
        string path = Beneath(name);
        if (!File.Exists(path))
            Write(path, RandomNumberGenerator.GetBytes(KeyBytes));
        return new Secret(File.ReadAllBytes(path));
    }

    /// <summary>Gives the lock back and deletes everything.</summary>
    public void Delete()
    {
        Dispose();
        Directory.Delete(Path, recursive: true);
    }

    public void Dispose() => _lock.Dispose();

    private string Beneath(string name) => System.IO.Path.Combine(Path, name);
}
