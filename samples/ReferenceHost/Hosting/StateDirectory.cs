using System.Security.Cryptography;

namespace Hypervisor.Sdk.ReferenceHost;

/// <summary>The directory that outlives the host: machines, disks, sessions. It is the owner's alone, and one host's at a time.</summary>
internal sealed class StateDirectory : IDisposable
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode ForOthers = (UnixFileMode)0b111_111;
    private const int KeyBytes = 32;
    private const string Draft = ".new";
    private const string Marker = ".hypervisor-sdk-state";
    private const string DisksName = "disks";
    private const string MachinesName = "machines";
    private const string JobsName = "jobs.db";
    private const string JobKeyName = "job-key";
    private const string UploadsName = "uploads";
    private const string SimulationName = "simulation";
    private const string OperationKeyName = "operation-key";

    /// <summary>Everything that a host, and ./run for it, keeps in the directory; beside the marker, which goes last.</summary>
    private static readonly string[] s_names =
    [
        MachinesName, DisksName, UploadsName, SimulationName, OperationKeyName, OperationKeyName + Draft, JobKeyName, JobKeyName + Draft, "sessions.json", "sessions.json" + Draft, "sign-in-token", "sign-in-token" + Draft, "host.json", "host.json" + Draft,
        "control.sock", "lock", "host.log", "host.log.old", "run.lock", JobsName, JobsName + "-wal", JobsName + "-shm", JobsName + ".backup", JobsName + ".backup.new",
    ];

    private readonly FileStream _lock;

    private StateDirectory(string path, FileStream held) => (Path, _lock) = (path, held);

    public string Path { get; }

    public string Machines => Beneath(MachinesName);

    public string Disks => Beneath(DisksName);

    /// <summary>The state directory of ./run --simulate, within this one.</summary>
    public static string SimulationOf(string path) => System.IO.Path.Combine(path, SimulationName);

    public string Sessions => Beneath("sessions.json");

    /// <summary>What is to be done, is being done and was done.</summary>
    public string Jobs => Beneath(JobsName);

    /// <summary>What is to be written into guests, until it is.</summary>
    public string Uploads => Beneath(UploadsName);

    /// <summary>The key by which the jobs are encrypted, read or made on first use.</summary>
    public JobKeyFile JobKey => new(Beneath(JobKeyName));

    public string SignInToken => Beneath("sign-in-token");

    public string HostFile => Beneath("host.json");

    public string ControlSocket => ControlSocketOf(Path);

    public static string ControlSocketOf(string path) => System.IO.Path.Combine(path, "control.sock");

    /// <summary>Whether a host made the directory, so that it may be used, emptied and deleted: by the marker, or as versions before the marker left it.</summary>
    public static bool IsOurs(string path) => File.Exists(System.IO.Path.Combine(path, Marker)) || IsOfEarlierVersion(path) || HoldsOnlySimulation(path);

    /// <summary>Makes the directory where there is none, takes an empty one of the owner's alone, and one that a host made before; it has the marker then.</summary>
    /// <exception cref="IOException">It holds something else, or others may look into it.</exception>
    public static void Prepare(string path)
    {
        if (!Directory.Exists(path))
            Directory.CreateDirectory(path, OwnerOnly | UnixFileMode.UserExecute);
        else if (IsOurs(path))
            File.SetUnixFileMode(path, OwnerOnly | UnixFileMode.UserExecute);
        else if (Directory.EnumerateFileSystemEntries(path).Any() && !IsOurs(path))
            throw new IOException($"{path} is not empty, and no host has made it: name a directory that is not there yet, or an empty one.");
        else if ((File.GetUnixFileMode(path) & ForOthers) != 0)
            throw new IOException($"Others may look into {path}: chmod 700 it, or name a directory that is not there yet.");

        // The first thing in it, so that of two hosts at once neither takes the other's directory for somebody else's.
        using var marker = new FileStream(System.IO.Path.Combine(path, Marker), new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.Write, Share = FileShare.ReadWrite, UnixCreateMode = OwnerOnly });
        marker.Write("A state directory of the Hypervisor.Sdk reference host: its command reset deletes what it keeps here.\n"u8);
    }

    /// <summary>Makes the directory where there is none, and takes its lock.</summary>
    /// <exception cref="IOException">Another host has it, or it is not a host's to take.</exception>
    public static StateDirectory Open(string path)
    {
        Prepare(path);
        Directory.CreateDirectory(System.IO.Path.Combine(path, DisksName), OwnerOnly | UnixFileMode.UserExecute);
        return new(path, new FileStream(System.IO.Path.Combine(path, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
    }

    /// <summary>Writes a file that only the owner reads, whole or not at all.</summary>
    public static void Write(string path, ReadOnlySpan<byte> content)
    {
        string draft = path + Draft;
        File.Delete(draft);
        using (var file = new FileStream(draft, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = OwnerOnly }))
        {
            file.Write(content);
            file.Flush(flushToDisk: true);
        }

        File.Move(draft, path, overwrite: true);
    }

    /// <summary>Writes a file that only the owner reads, whole; where another host was quicker, its file stays.</summary>
    public static void WriteFirst(string path, ReadOnlySpan<byte> content)
    {
        string own = $"{path}.{Guid.NewGuid():N}";
        Write(own, content);
        try
        {
            File.Move(own, path);
        }
        catch (IOException) when (File.Exists(path))
        {
            File.Delete(own);
        }
    }

    /// <summary>The key that signs the ids of operations, made on first use.</summary>
    public Secret OperationKey() => ReadKey(Beneath(OperationKeyName));

    /// <summary>What tells this host from others that share its jobs: a hash of a key that is its own.</summary>
    public string Identity() => Convert.ToHexStringLower(SHA256.HashData([.. OperationKey().Reveal(), .. "identity"u8]).AsSpan(0, 8));

    /// <summary>A key in a file of its own, made where there is none.</summary>
    public static Secret ReadKey(string path)
    {
        if (!File.Exists(path))
            WriteFirst(path, RandomNumberGenerator.GetBytes(KeyBytes));
        return new Secret(File.ReadAllBytes(path));
    }

    /// <summary>Gives the lock back and deletes what a host keeps here, then the directory where nothing else is in it.</summary>
    /// <returns>What is left because no host put it here.</returns>
    public IReadOnlyList<string> Delete()
    {
        Dispose();
        foreach (string name in s_names)
        {
            string path = Beneath(name);
            if (Directory.Exists(path) && new FileInfo(path).LinkTarget is null)
                Directory.Delete(path, recursive: true);
            else
                File.Delete(path);
        }

        string[] left = [.. Directory.EnumerateFileSystemEntries(Path).Select(entry => System.IO.Path.GetFileName(entry)).Where(name => name != Marker).Order(StringComparer.Ordinal)];
        File.Delete(Beneath(Marker));
        if (left.Length == 0)
            Directory.Delete(Path);
        return left;
    }

    public void Dispose() => _lock.Dispose();

    private static bool IsOfEarlierVersion(string path) =>
        new FileInfo(System.IO.Path.Combine(path, OperationKeyName)) is { Exists: true, Length: KeyBytes } && Directory.Exists(System.IO.Path.Combine(path, DisksName));

    /// <summary>What earlier versions made around their simulation.</summary>
    private static bool HoldsOnlySimulation(string path) =>
        IsOfEarlierVersion(SimulationOf(path)) && Directory.EnumerateFileSystemEntries(path).All(entry => System.IO.Path.GetFileName(entry) == SimulationName);

    private string Beneath(string name) => System.IO.Path.Combine(Path, name);
}
