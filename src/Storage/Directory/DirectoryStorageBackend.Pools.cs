using System.Runtime.CompilerServices;
using Hypervisor.Sdk.DiskImages;
using Microsoft.Extensions.Logging;

namespace Hypervisor.Sdk.Storage.Directory;

public sealed partial class DirectoryStorageBackend
{
    private const string DeletedPrefix = ".deleted-";

    private readonly Lock _poolsGate = new();
    private readonly SortedDictionary<string, DirectoryPool> _pools = new(StringComparer.Ordinal);
    private DirectoryPool? _newPools;

    private List<DirectoryPool> Pools
    {
        get
        {
            FindNewPools();
            lock (_poolsGate)
                return [.. _pools.Values];
        }
    }

    private IEnumerable<DirectoryPool> PoolsAndTheirPlace => _newPools is null ? Pools : Pools.Append(_newPools);

    /// <inheritdoc />
    /// <remarks>Capacity and available are of the file system, which pools may share; used is what the files of the pool take.</remarks>
    public async IAsyncEnumerable<StoragePool> ListPoolsAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        foreach (var pool in Pools)
        {
            cancellationToken.ThrowIfCancellationRequested();
            yield return await Task.Run(() => Describe(pool), cancellationToken).ConfigureAwait(false);
        }
    }

    /// <inheritdoc />
    /// <remarks>The pool is a directory in <see cref="DirectoryStorageOptions.NewPoolsDirectory"/>. There are no settings.</remarks>
    public async Task<Operation<StoragePool>> CreatePoolAsync(StoragePoolSpec spec, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(spec);
        var place = PlaceOfPools();
        string name = spec.Name.ToString();
        if (!DirectoryStorageOptions.PoolNames.Accepts(name, out string? problem))
            throw VolumeFile.Unacceptable(nameof(spec.Name), problem);
        if (spec.Settings.Count > 0)
            throw VolumeFile.Unacceptable(nameof(spec.Settings), $"A directory pool has no setting '{spec.Settings.Keys.First()}'.");
        var record = Record(request, RequestKind.MakePool, name, "make pool");
        using var hold = await place.EnterAsync(cancellationToken).ConfigureAwait(false);
        await UndoDeadAsync(place, cancellationToken).ConfigureAwait(false);
        if (!WasDone(place, record))
        {
            if (_options.Pools.ContainsKey(name) || place.Directory.Find(name) is not null)
                throw new HypervisorException($"There is a pool '{name}' already.", ErrorCode.AlreadyExists, RequestOutcome.Rejected);
            Do(place, record, () => place.Directory.CreateDirectory(name));
        }

        return LocalOperation<StoragePool>.Finished(RequestId.FromGuid(record.Id), Describe(PoolOf(spec.Name)));
    }

    /// <inheritdoc />
    public async Task<Operation> DeletePoolAsync(PoolName name, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        var place = PlaceOfPools();
        var record = Record(request, RequestKind.DeletePool, name.ToString(), "delete pool");
        using var hold = await place.EnterAsync(cancellationToken).ConfigureAwait(false);
        await UndoDeadAsync(place, cancellationToken).ConfigureAwait(false);
        if (!WasDone(place, record))
        {
            var pool = PoolOf(name);
            if (pool.IsConfigured)
                throw new HypervisorException($"The pool '{name}' is named by the configuration of this backend; it is removed there.", ErrorCode.InvalidState, RequestOutcome.Rejected);
            using var inside = await pool.EnterAsync(cancellationToken).ConfigureAwait(false);
            await UndoDeadAsync(pool, cancellationToken).ConfigureAwait(false);
            if (pool.Directory.List().Any(entry => entry[0] != '.') || pool.Journal.Running.Count > 0)
                throw new HypervisorException($"The pool '{name}' is not empty.", ErrorCode.InvalidState, RequestOutcome.Rejected);
            string gone = $"{DeletedPrefix}{record.Id:N}";
            Do(place, record, () => place.Directory.Rename(name.ToString(), gone));
            lock (_poolsGate)
                _pools.Remove(name.ToString());
        }

        RemoveDeletedPools(place);
        return LocalOperation<bool>.Finished(RequestId.FromGuid(record.Id), true);
    }

    private static bool WasDone(DirectoryPool place, RequestRecord asked)
    {
        var (state, record) = place.Journal.Find(RequestId.FromGuid(asked.Id));
        if (state == RequestState.Succeeded && record!.Asked != asked.Asked)
            throw new HypervisorException($"The request id {asked.Id} was used for something else: {record.Asked}. Another effect needs another id.", ErrorCode.Conflict, RequestOutcome.Rejected);
        return state == RequestState.Succeeded;
    }

    /// <summary>Writes a request down, has its one effect, and writes down that it happened.</summary>
    private static void Do(DirectoryPool place, RequestRecord record, Action effect)
    {
        using var running = place.Journal.Begin(record);
        try
        {
            effect();
        }
        catch (HypervisorException error)
        {
            running.Fail(error);
            throw;
        }

        running.Succeed();
    }

    private static void RemoveDeletedPools(DirectoryPool place)
    {
        foreach (string name in place.Directory.List().Where(name => name.StartsWith(DeletedPrefix, StringComparison.Ordinal)))
            RemoveTree(place.Directory, name);
    }

    private static void RemoveTree(RootedDirectory parent, string name)
    {
        using (var directory = parent.OpenDirectory(name))
        {
            foreach (string entry in directory.List())
            {
                if (directory.Find(entry) is { IsDirectory: true })
                    RemoveTree(directory, entry);
                else
                    directory.Delete(entry);
            }
        }

        parent.DeleteDirectory(name);
    }

    private StoragePool Describe(DirectoryPool pool)
    {
        var space = pool.Directory.GetSpace();
        long used = pool.Files().Sum(file => pool.Directory.Find(file) is { IsRegularFile: true } facts ? facts.AllocatedBytes : 0);
        return new StoragePool
        {
            Name = pool.Name,
            Kind = Kind,
            Capacity = space.Capacity,
            Used = new ByteSize(used),
            Available = space.Available,
            Node = _options.IsShared ? null : _node,
            IsShared = _options.IsShared,
        };
    }

    private DirectoryPool PlaceOfPools() => _newPools
        ?? throw new HypervisorException($"Pools are neither made nor deleted here: {nameof(DirectoryStorageOptions.NewPoolsDirectory)} is not set.", ErrorCode.Unsupported, RequestOutcome.NotSent);

    private DirectoryPool PoolOf(PoolName name)
    {
        FindNewPools();
        lock (_poolsGate)
        {
            return _pools.TryGetValue(name.ToString(), out var pool)
                ? pool
                : throw new HypervisorException($"There is no pool '{name}'.", ErrorCode.NotFound, RequestOutcome.Rejected) { Backend = Name, Resource = $"pool {name}" };
        }
    }

    /// <summary>Looks which pools there are: another process may have made or deleted some.</summary>
    private void FindNewPools()
    {
        if (_newPools is null)
            return;
        var names = _newPools.Directory.List().Where(name => DirectoryStorageOptions.PoolNames.Accepts(name, out _) && !_options.Pools.ContainsKey(name) && _newPools.Directory.Find(name) is { IsDirectory: true }).ToHashSet(StringComparer.Ordinal);
        lock (_poolsGate)
        {
            // Those that are gone are not closed: somebody may be at work on them, and is told by the file system.
            foreach (string gone in _pools.Where(pool => !pool.Value.IsConfigured && !names.Contains(pool.Key)).Select(pool => pool.Key).ToList())
                _pools.Remove(gone);
            foreach (string name in names.Where(name => !_pools.ContainsKey(name)))
                _pools.Add(name, new DirectoryPool(PoolName.Parse(name), _newPools.Directory.OpenDirectory(name), isConfigured: false, _timeProvider));
        }
    }

    private async Task OpenPoolsAsync(CancellationToken cancellationToken)
    {
        foreach (var (name, path) in _options.Pools)
        {
            lock (_poolsGate)
                _pools.Add(name, new DirectoryPool(PoolName.Parse(name), RootedDirectory.Open(path, _seam), isConfigured: true, _timeProvider));
        }

        if (_options.NewPoolsDirectory is { } place)
            _newPools = new DirectoryPool(PoolName.Parse("pools"), RootedDirectory.Open(place, _seam), isConfigured: true, _timeProvider);
        foreach (var pool in PoolsAndTheirPlace.Where(pool => pool.HasState))
            await RecoverAsync(pool, cancellationToken).ConfigureAwait(false);
    }

    private async Task RecoverAsync(DirectoryPool pool, CancellationToken cancellationToken)
    {
        try
        {
            using var hold = await pool.EnterAsync(cancellationToken).ConfigureAwait(false);
            await UndoDeadAsync(pool, cancellationToken).ConfigureAwait(false);
            pool.Journal.Prune(_timeProvider.GetUtcNow() - _options.RequestRetention);
            if (pool == _newPools)
                RemoveDeletedPools(pool);
        }
        catch (HypervisorException error) when (error.Code == ErrorCode.Denied || error.Code == ErrorCode.Exhausted)
        {
            // What can be read can still be read; whoever changes something is told.
            _logger.LogWarning(error, "The pool {Pool} cannot be written to now.", pool.Name);
        }
    }
}
