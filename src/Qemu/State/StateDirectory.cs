using System.Runtime.Versioning;
using System.Text;
using System.Text.Json;
using Hypervisor.Sdk.DiskImages;

namespace Hypervisor.Sdk.Qemu.State;

/// <summary>
/// The directory that holds everything that is kept:
/// <c>vms/ID/{config.json, process.json, snapshots.json, cloud-init.json, journal, console.log, qemu.log, tpm.log, tpm/, disks/}</c>, <c>names/NAME</c> (holds the id: the claim of a name), <c>locks/ID</c>, <c>gone/ID</c> (the journal of a deleted machine), <c>identity</c> (by which another host's backend knows it again), <c>reserve</c> (space that a deletion gives up on a full disk) and
/// <c>trash/ID</c> (a machine that is being removed).
/// </summary>
/// <remarks>A machine is there when it has a configuration: writing that is the moment of creation, renaming the directory to <c>trash/</c> the moment of deletion.</remarks>
[SupportedOSPlatform("linux")]
internal sealed class StateDirectory : IDisposable
{
    private const int MaxConfigBytes = 1 << 20;
    private const int MaxNameBytes = 256;

    private StateDirectory(RootedDirectory root, IDurableSeam? seam)
    {
        Root = root;
        Seam = seam;
        Reserve = new SpaceReserve(root, "reserve");
    }

    public RootedDirectory Root { get; }

    /// <summary>Is told of every durable effect; null in production.</summary>
    public IDurableSeam? Seam { get; }

    /// <summary>Space that a deletion gives up on a full disk.</summary>
    public SpaceReserve Reserve { get; }

    public string Path => Root.Path;

    /// <summary>What this directory is told by from every other one, also where both have the same path on two hosts: a number that is written into it when it is first asked for.</summary>
    public string Identity()
    {
        const string File = "identity", Prepared = "identity.new";
        while (true)
        {
            if (Root.Read(File, MaxNameBytes) is { } content)
                return Encoding.UTF8.GetString(content);
            // Two that make one at the same time prepare two files, of which one gets the name.
            string prepared = $"{Prepared}-{Guid.NewGuid():N}";
            Root.AtomicWrite(prepared, Encoding.UTF8.GetBytes(Guid.NewGuid().ToString("D")));
            try
            {
                Root.Rename(prepared, File);
            }
            catch (HypervisorException error) when (error.Code == ErrorCode.AlreadyExists)
            {
                Root.Delete(prepared);
            }
        }
    }

    /// <summary>Opens the directory and makes what is missing in it.</summary>
    public static StateDirectory Open(string path, IDurableSeam? seam)
    {
        try
        {
            if (!Directory.Exists(path))
                Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new HypervisorException($"Making the state directory '{path}' failed: {error.Message}", error is UnauthorizedAccessException ? ErrorCode.Denied : ErrorCode.Unspecified, RequestOutcome.NotSent, error);
        }

        var root = RootedDirectory.Open(path, seam);
        try
        {
            foreach (string directory in (string[])["vms", "names", "locks", "gone", "trash"])
                root.CreateDirectory(directory);
            var state = new StateDirectory(root, seam);
            state.Reserve.Take();
            return state;
        }
        catch
        {
            root.Dispose();
            throw;
        }
    }

    public static string Machine(string id) => $"vms/{id}";

    public static string ConfigFile(string id) => $"vms/{id}/config.json";

    public static string ProcessFile(string id) => $"vms/{id}/process.json";

    public static string SnapshotsFile(string id) => $"vms/{id}/snapshots.json";

    public static string CloudInitFile(string id) => $"vms/{id}/cloud-init.json";

    public static string JournalFile(string id) => $"vms/{id}/journal";

    public static string ConsoleLog(string id) => $"vms/{id}/console.log";

    public static string QemuLog(string id) => $"vms/{id}/qemu.log";

    public static string Tpm(string id) => $"vms/{id}/tpm";

    public static string TpmOf(string id, string tag) => $"vms/{id}/tpm-{tag}";

    public static string TpmLog(string id) => $"vms/{id}/tpm.log";

    public static string Disks(string id) => $"vms/{id}/disks";

    public static string Disk(string id, string file) => $"vms/{id}/disks/{file}";

    public static string Name(string name) => $"names/{name}";

    public static string Gone(string id) => $"gone/{id}";

    public static string Trash(string id) => $"trash/{id}";

    /// <summary>The names of the entries of a directory, in order.</summary>
    public IReadOnlyList<string> List(string directory)
    {
        using var opened = Root.OpenDirectory(directory);
        return [.. opened.List().Where(name => !name.StartsWith(RootedDirectory.UnfinishedPrefix, StringComparison.Ordinal)).Order(StringComparer.Ordinal)];
    }

    public MachineLock? TryLock(string id) => MachineLock.TryTake(Root, id);

    /// <summary>Whether somebody watches a machine's QEMU, and the state that they know.</summary>
    public (bool IsWatched, PowerState? State) LookAtWatch(string id)
    {
        var (isHeld, word) = MachineLock.Look(Root, id + ".watch");
        return (isHeld, PowerState.TryParse(word, null, out var state) ? state : null);
    }

    public MachineJournal ReadJournal(string id) => MachineJournal.Read(Root, JournalFile(id));

    /// <summary>The configuration of a machine; null when there is none of that id.</summary>
    public MachineConfig? ReadConfig(string id)
    {
        if (ReadJson(ConfigFile(id), StateJson.Default.MachineConfig) is not { } config)
            return null;
        return config.Version == MachineConfig.CurrentVersion
            ? config
            : throw new HypervisorException($"The configuration of '{id}' is of version {config.Version}; this program knows {MachineConfig.CurrentVersion}. Use a newer one.", ErrorCode.Unsupported, RequestOutcome.Rejected);
    }

    public void WriteConfig(MachineConfig config) => Root.AtomicWrite(ConfigFile(config.Id), JsonSerializer.SerializeToUtf8Bytes(config, StateJson.Default.MachineConfig));

    /// <summary>The snapshots of a machine.</summary>
    public SnapshotTree ReadSnapshots(string id)
    {
        var tree = ReadJson(SnapshotsFile(id), StateJson.Default.SnapshotTree) ?? SnapshotTree.Empty;
        return tree.Version == SnapshotTree.CurrentVersion
            ? tree
            : throw new HypervisorException($"The snapshots of '{id}' are written in version {tree.Version}; this program knows {SnapshotTree.CurrentVersion}. Use a newer one.", ErrorCode.Unsupported, RequestOutcome.Rejected);
    }

    public void WriteSnapshots(string id, SnapshotTree tree) => Root.AtomicWrite(SnapshotsFile(id), JsonSerializer.SerializeToUtf8Bytes(tree, StateJson.Default.SnapshotTree));

    /// <summary>What cloud-init in the guest was given when the machine was made. May hold secrets.</summary>
    public CloudInitData? ReadCloudInit(string id) => ReadJson(CloudInitFile(id), StateJson.Default.CloudInitData);

    public void WriteCloudInit(string id, CloudInitData data) => Root.AtomicWrite(CloudInitFile(id), JsonSerializer.SerializeToUtf8Bytes(data, StateJson.Default.CloudInitData));

    public ProcessRecord? ReadProcess(string id) => ReadJson(ProcessFile(id), StateJson.Default.ProcessRecord);

    public void WriteProcess(string id, ProcessRecord record) => Root.AtomicWrite(ProcessFile(id), JsonSerializer.SerializeToUtf8Bytes(record, StateJson.Default.ProcessRecord));

    /// <summary>Claims a name for a machine. The claim is prepared under the machine's lock and put in place by one rename, so that it is whole or not there.</summary>
    /// <returns>False when another one has the name.</returns>
    public bool TryClaimName(string id, string name)
    {
        string prepared = $"vms/{id}/claim";
        Root.AtomicWrite(prepared, Encoding.UTF8.GetBytes(id));
        try
        {
            Root.Rename(prepared, Name(name));
            return true;
        }
        catch (HypervisorException error) when (error.Code == ErrorCode.AlreadyExists)
        {
            Root.Delete(prepared);
            return HolderOf(name) == id;
        }
    }

    /// <summary>The id of the machine that has a name; null when none has.</summary>
    public string? HolderOf(string name) => Root.Read(Name(name), MaxNameBytes) is { } content ? Encoding.UTF8.GetString(content) : null;

    /// <summary>Gives up a name, if it is this machine's.</summary>
    public void ReleaseName(string id, string name)
    {
        if (HolderOf(name) == id)
            Root.Delete(Name(name));
    }

    /// <summary>Gives up all names of a machine: after a crash nobody knows which it had.</summary>
    public void ReleaseNames(string id)
    {
        foreach (string name in List("names"))
            ReleaseName(id, name);
    }

    /// <summary>Removes a directory with all that is in it, the deepest first.</summary>
    public void RemoveTree(string path)
    {
        if (Root.Find(path) is null)
            return;
        using (var directory = Root.OpenDirectory(path))
        {
            foreach (string name in directory.List())
            {
                string child = $"{path}/{name}";
                if (Root.Find(child) is { IsDirectory: true })
                    RemoveTree(child);
                else
                    Root.Delete(child);
            }
        }

        Root.DeleteDirectory(path);
    }

    public void Dispose() => Root.Dispose();

    private T? ReadJson<T>(string path, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type)
        where T : class
    {
        if (Root.Read(path, MaxConfigBytes) is not { } content)
            return null;
        try
        {
            return JsonSerializer.Deserialize(content, type);
        }
        catch (JsonException error)
        {
            throw new HypervisorException($"'{path}' in '{Path}' is not what this program writes: {error.Message}", ErrorCode.Corrupted, RequestOutcome.Rejected, error);
        }
    }
}
