using System.Runtime.Versioning;
using System.Security.Cryptography;
using System.Text;
using Hypervisor.Sdk.DiskImages;
using Microsoft.Win32.SafeHandles;

namespace Hypervisor.Sdk.Storage.Directory;

/// <summary>
/// A directory with image files, each a volume, the ending of whose name states its format; and <c>.hypervisor/</c> with what is to be remembered. Short changes happen while the pool is held
/// (<see cref="EnterAsync"/>), which excludes everybody else, in other processes too. What takes long holds the volume's lock.
/// </summary>
[SupportedOSPlatform("linux")]
internal sealed class DirectoryPool : IDisposable
{
    private const string State = ".hypervisor";
    private const string Work = State + "/work";
    private const string Locks = State + "/locks";

    /// <summary>How often somebody else's hold is looked at again: they last milliseconds.</summary>
    private static readonly TimeSpan s_lookAgain = TimeSpan.FromMilliseconds(5);

    private readonly SemaphoreSlim _gate = new(1, 1);
    private readonly TimeProvider _timeProvider;
    private bool _hasState;

    public DirectoryPool(PoolName name, RootedDirectory directory, bool isConfigured, TimeProvider timeProvider)
    {
        Name = name;
        Directory = directory;
        IsConfigured = isConfigured;
        _timeProvider = timeProvider;
        Journal = new RequestJournal(directory, State);
        Leases = new LeaseBook(directory, State);
        Reserve = new SpaceReserve(directory, State + "/reserve");
    }

    public PoolName Name { get; }

    public RootedDirectory Directory { get; }

    /// <summary>Named by the options; never deleted.</summary>
    public bool IsConfigured { get; }

    public RequestJournal Journal { get; }

    public LeaseBook Leases { get; }

    /// <summary>Space that a deletion gives up on a full disk.</summary>
    public SpaceReserve Reserve { get; }

    /// <summary>Whether anything was ever changed here.</summary>
    public bool HasState => _hasState || Directory.Find(State) is not null;

    /// <summary>Keeps everybody else out, until what it returns is disposed.</summary>
    public async Task<IDisposable> EnterAsync(CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (!_hasState)
            {
                Directory.CreateDirectory(State);
                Directory.CreateDirectory(Work);
                Directory.CreateDirectory(Locks);
                Journal.MakeDirectories();
                Leases.MakeDirectory();
                Reserve.Take();
                _hasState = true;
            }

            FileLock? held;
            while ((held = Directory.TryLock(State + "/lock")) is null)
                await Task.Delay(s_lookAgain, _timeProvider, cancellationToken).ConfigureAwait(false);
            return new Hold(_gate, held);
        }
        catch
        {
            _gate.Release();
            throw;
        }
    }

    /// <summary>The files that are volumes by their names, in order.</summary>
    public IReadOnlyList<string> Files()
    {
        var files = Directory.List().Where(VolumeFile.IsOne).ToList();
        files.Sort(StringComparer.Ordinal);
        return files;
    }

    /// <summary>A volume as it is now; null when there is no such file.</summary>
    /// <exception cref="HypervisorException">It is not what its name says, or its backing file is elsewhere.</exception>
    public Volume? Describe(string file)
    {
        if (!VolumeFile.IsOne(file) || Directory.Find(file) is not { } facts)
            return null;
        try
        {
            using var handle = Directory.OpenFile(file);
            return Describe(file, handle);
        }
        catch (HypervisorException error) when (error.Code == ErrorCode.NotFound)
        {
            return null;
        }
    }

    /// <summary>The files that are upon this one.</summary>
    public IReadOnlyList<string> Dependents(string file) => [.. Files().Where(other => other != file && BackingOf(other) == file)];

    /// <summary>Locks a volume for work on it that takes long; null when somebody else is at work on it in a way that excludes this. For whoever holds the pool.</summary>
    public FileLock? TryLockVolume(string file, bool exclusive) => Directory.TryLock(LockPath(file), exclusive);

    /// <summary>Forgets the lock of a volume that is gone. For whoever holds the pool and the lock.</summary>
    public void RemoveLock(string file) => Directory.Delete(LockPath(file));

    /// <summary>The path of a file under work. Whoever holds the pool makes it together with the record of the request that it is for; one without a record is nobody's.</summary>
    public static string WorkPath(Guid request, string ending = "") => $"{Work}/{request:D}{ending}";

    /// <summary>Removes a request's files under work.</summary>
    public void RemoveWork(Guid request)
    {
        Directory.Delete(WorkPath(request));
        Directory.Delete(WorkPath(request, VolumeFile.SourceEnding));
    }

    /// <summary>Removes the files under work that are nobody's. For whoever holds the pool.</summary>
    public void RemoveOrphans(IReadOnlyList<Guid> running)
    {
        using var work = Directory.OpenDirectory(Work);
        foreach (string name in work.List())
        {
            if (!running.Any(id => name.StartsWith(id.ToString("D"), StringComparison.Ordinal)))
                work.Delete(name);
        }
    }

    public void Dispose()
    {
        Directory.Dispose();
        _gate.Dispose();
    }

    private static string LockPath(string file) => $"{Locks}/{file}";

    private Volume Describe(string file, SafeFileHandle handle)
    {
        var facts = RootedDirectory.FactsOf(handle);
        string format = VolumeFile.FormatOf(file);
        var header = format == ImageFormat.Qcow2 ? ReadHeader(file, handle) : null;
        if (header is { HasExternalData: true } or { ExternalDataFile: not null })
            throw new HypervisorException($"The volume '{file}' of the pool '{Name}' keeps its data in another file; it is refused.", ErrorCode.Denied, RequestOutcome.Rejected);
        string? backing = header?.BackingFile is { } name ? ImageChain.BackingPath(Directory, file, name) : null;
        long sizeBytes = header?.Size.Bytes ?? facts.Length;
        string revision = $"{facts.Inode}/{facts.CreatedAt?.UtcTicks}/{sizeBytes}/{backing}";
        return new Volume
        {
            Id = VolumeFile.IdOf(Name, file),
            Pool = Name,
            Name = VolumeFile.NameOf(file),
            Size = new ByteSize(sizeBytes),
            Allocated = new ByteSize(facts.AllocatedBytes),
            Format = format,
            ClonedFrom = backing is null ? null : VolumeFile.IdOf(Name, backing),
            Revision = Revision.Parse(Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(revision)).AsSpan(0, 8))),
            CreatedAt = facts.CreatedAt,
        };
    }

    private Qcow2Header ReadHeader(string file, SafeFileHandle handle)
    {
        try
        {
            return Qcow2Header.Read(handle);
        }
        catch (HypervisorException error) when (error.Code == ErrorCode.Corrupted || error.Code == ErrorCode.Unsupported)
        {
            throw new HypervisorException($"'{file}' in the pool '{Name}' is stated as qcow2. {error.Message}", error.Code, error.Outcome, error);
        }
    }

    /// <summary>What a file is upon; null when nothing, or when it cannot be said: then it depends on nothing that it could still reach.</summary>
    private string? BackingOf(string file)
    {
        if (VolumeFile.FormatOf(file) != ImageFormat.Qcow2)
            return null;
        try
        {
            using var handle = Directory.OpenFile(file);
            return Qcow2Header.Read(handle).BackingFile is { } name ? ImageChain.BackingPath(Directory, file, name) : null;
        }
        catch (HypervisorException error) when (error.Code == ErrorCode.NotFound || error.Code == ErrorCode.Corrupted || error.Code == ErrorCode.Denied || error.Code == ErrorCode.Unsupported)
        {
            return null;
        }
    }

    private sealed class Hold(SemaphoreSlim gate, FileLock held) : IDisposable
    {
        public void Dispose()
        {
            held.Dispose();
            gate.Release();
        }
    }
}
