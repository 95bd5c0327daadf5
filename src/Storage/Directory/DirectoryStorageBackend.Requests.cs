using System.Collections.Concurrent;
using Hypervisor.Sdk.DiskImages;
using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;

namespace Hypervisor.Sdk.Storage.Directory;

public sealed partial class DirectoryStorageBackend
{
    private readonly ConcurrentDictionary<RequestId, Operation> _operations = new();

    /// <inheritdoc />
    public async Task<RequestLookup> LookUpAsync(RequestId id, CancellationToken cancellationToken = default)
    {
        if (id.IsDefault)
            throw new ArgumentException("A request id is needed.", nameof(id));
        bool wasPruned = false;
        foreach (var pool in PoolsAndTheirPlace.Where(pool => pool.HasState))
        {
            if (pool.Journal.Running.Contains(id.ToGuid()))
            {
                using var hold = await pool.EnterAsync(cancellationToken).ConfigureAwait(false);
                await UndoDeadAsync(pool, cancellationToken).ConfigureAwait(false);
            }

            var (state, record) = pool.Journal.Find(id);
            if (record is not null)
                return ToLookup(pool, state, record);
            wasPruned |= pool.Journal.WasPruned;
        }

        return new RequestLookup { State = wasPruned && MayBeOlderThanRetention(id) ? RequestState.Expired : RequestState.NeverSeen };
    }

    private static RequestLookup ToLookup(DirectoryPool pool, RequestState state, RequestRecord record) => new()
    {
        State = state,
        Volume = record.Kind is RequestKind.MakePool or RequestKind.DeletePool ? null : VolumeFile.IdOf(pool.Name, record.Target),
        Error = state != RequestState.Failed ? null : new HypervisorException(
            record.ErrorMessage ?? "It failed when the disk was full, and is undone.",
            ErrorCode.TryParse(record.ErrorCode, null, out var code) ? code : ErrorCode.Exhausted,
            RequestOutcome.Rejected),
    };

    private static HypervisorException Locked(string message) => new(message, ErrorCode.Locked, RequestOutcome.Rejected);

    private RequestRecord Record(RequestOptions? request, RequestKind kind, string target, string asked)
    {
        var id = IdOf(request);
        return new RequestRecord { Id = id.ToGuid(), Kind = kind, Target = target, Asked = $"{asked} '{target}'", BegunAt = _timeProvider.GetUtcNow() };
    }

    private RequestId IdOf(RequestOptions? request) => request?.RequestId is { IsDefault: false } id ? id : RequestId.New(_timeProvider);

    /// <summary>The first 48 bits of a version 7 UUID are its time in milliseconds (RFC 9562). Another one may be of any age.</summary>
    private bool MayBeOlderThanRetention(RequestId id)
    {
        var value = id.ToGuid();
        return value.Version != 7 || DateTimeOffset.FromUnixTimeMilliseconds(long.Parse(value.ToString("N").AsSpan(0, 12), System.Globalization.NumberStyles.HexNumber, null)) < _timeProvider.GetUtcNow() - _options.RequestRetention;
    }

    /// <summary>What was begun or done under the same id before; null when nothing was, or when it failed and may be tried again. For whoever holds the pool.</summary>
    private Operation? FindKnown(DirectoryPool pool, RequestRecord asked)
    {
        var id = RequestId.FromGuid(asked.Id);
        var (state, record) = pool.Journal.Find(id);
        if (record is null || state == RequestState.Failed)
            return null;
        if (record.Asked != asked.Asked)
            throw new HypervisorException($"The request id {id} was used for something else: {record.Asked}. Another effect needs another id.", ErrorCode.Conflict, RequestOutcome.Rejected);
        if (state == RequestState.Running)
            return _operations.TryGetValue(id, out var running) ? running : throw Locked($"The request {id} is under way already. Ask again when it has ended.");
        if (record.Kind is RequestKind.Delete)
            return LocalOperation<bool>.Finished(id, true);
        return LocalOperation<Volume>.Finished(id, pool.Describe(record.Target)
            ?? throw new HypervisorException($"The request {id} happened, but the volume '{record.Target}' of the pool '{pool.Name}' is not there any more.", ErrorCode.NotFound, RequestOutcome.Rejected));
    }

    private async Task<Operation?> FindKnownAsync(DirectoryPool pool, RequestRecord asked, CancellationToken cancellationToken)
    {
        using var hold = await pool.EnterAsync(cancellationToken).ConfigureAwait(false);
        await UndoDeadAsync(pool, cancellationToken).ConfigureAwait(false);
        return FindKnown(pool, asked);
    }

    /// <summary>Writes a request down, together with the files that it works on. From here on it is finished or undone, whatever happens.</summary>
    /// <param name="pool">The pool.</param>
    /// <param name="record">The request.</param>
    /// <param name="files">How many files it prepares.</param>
    /// <param name="check">Refuses, while the pool is held. Returns the lock that the request needs.</param>
    /// <param name="start">Begins the work, while the pool is still held. Without it the caller does the work.</param>
    /// <param name="cancellationToken">Gives up before anything has happened.</param>
    private async Task<(VolumeWork? Work, Operation? Operation)> PrepareAsync(
        DirectoryPool pool, RequestRecord record, int files, Func<FileLock?> check, Func<VolumeWork, Operation>? start, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_isClosed != 0, this);
        using var hold = await pool.EnterAsync(cancellationToken).ConfigureAwait(false);
        await UndoDeadAsync(pool, cancellationToken).ConfigureAwait(false);
        if (FindKnown(pool, record) is { } known)
            return (null, known);
        var volumeLock = check();
        SafeFileHandle? file = null;
        SafeFileHandle? source = null;
        try
        {
            if (files > 0)
                file = pool.Directory.CreateFile(DirectoryPool.WorkPath(record.Id), _options.FileMode);
            if (files > 1)
                source = pool.Directory.CreateFile(DirectoryPool.WorkPath(record.Id, VolumeFile.SourceEnding));
            if (file is not null)
                record = record with { Inode = RootedDirectory.FactsOf(file).Inode };
            var work = new VolumeWork(pool, Begin(pool, record)) { File = file, Source = source, Lock = volumeLock };
            return start is null ? (work, null) : (null, Register(start(work)));
        }
        catch (Exception failure)
        {
            file?.Dispose();
            source?.Dispose();
            volumeLock?.Dispose();
            if (failure is HypervisorException)
                pool.RemoveWork(record.Id);
            throw;
        }
    }

    /// <summary>Notes the beginning. A deletion is what makes room on a full disk: for its note there is a reserve.</summary>
    private static RunningRequest Begin(DirectoryPool pool, RequestRecord record)
    {
        try
        {
            return pool.Journal.Begin(record);
        }
        catch (HypervisorException full) when (full.Code == ErrorCode.Exhausted && record.Kind == RequestKind.Delete && pool.Reserve.GiveUp())
        {
            return pool.Journal.Begin(record);
        }
    }

    private Operation Register(Operation operation)
    {
        _operations[operation.RequestId] = operation;
        _ = ((IEnding)operation).Ended.ContinueWith(_ => _operations.TryRemove(operation.RequestId, out var _), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        return operation;
    }

    private LocalOperation<Volume> Start(VolumeWork work, RequestOptions? request, Func<IProgress<double>, CancellationToken, Task> fill) =>
        LocalOperation<Volume>.Start(work.RequestId, request?.Deadline, _timeProvider, (progress, token) => RunAsync(work, () => fill(progress, token), () => work.Pool.Describe(work.Target)!));

    /// <summary>Does the work, gives the result its name, and writes down how it ended.</summary>
    private async Task<T> RunAsync<T>(VolumeWork work, Func<Task> fill, Func<T> result)
    {
        using (work)
        {
            try
            {
                await fill().ConfigureAwait(false);
                using var hold = await work.Pool.EnterAsync(CancellationToken.None).ConfigureAwait(false);
                Commit(work);
                return result();
            }
            catch (Exception failure) when (!work.IsDone)
            {
                await UndoAsync(work, failure).ConfigureAwait(false);
                throw;
            }
        }
    }

    private static void Commit(VolumeWork work)
    {
        var directory = work.Pool.Directory;
        switch (work.Request.Record.Kind)
        {
            case RequestKind.Make:
                directory.Rename(work.Request.Record.From ?? work.FileName, work.Target);
                break;
            case RequestKind.Replace:
                directory.Rename(work.FileName, work.Target, replace: true);
                break;
            case RequestKind.Delete:
                directory.Delete(work.Target);
                break;
        }

        work.IsDone = true;
        if (work.Source is not null)
            work.Pool.RemoveWork(work.Request.Record.Id);
        if (work.Request.Record.Kind == RequestKind.Delete)
            work.Pool.RemoveLock(work.Target);
        work.Request.Succeed();
        if (work.Request.Record.Kind == RequestKind.Delete)
            work.Pool.Reserve.Take();
    }

    private async Task UndoAsync(VolumeWork work, Exception failure)
    {
        var reason = failure as HypervisorException ?? (failure is OperationCanceledException
            ? new HypervisorException("The work was cancelled, and what it had begun is undone.", ErrorCode.Cancelled, RequestOutcome.Rejected)
            : new HypervisorException($"The work failed, and what it had begun is undone: {failure.Message}", ErrorCode.Unspecified, RequestOutcome.Rejected, failure));
        try
        {
            using var hold = await work.Pool.EnterAsync(CancellationToken.None).ConfigureAwait(false);
            work.Pool.RemoveWork(work.Request.Record.Id);
            if (HasHappened(work.Pool, work.Request.Record))
                work.Request.Succeed();
            else
                work.Request.Fail(reason);
        }
        catch (HypervisorException error)
        {
            // The next one that changes something here tries again; the caller is told why the work itself failed.
            _logger.LogWarning(error, "Undoing request {RequestId} in pool {Pool} failed.", work.RequestId, work.Pool.Name);
        }
    }

    /// <summary>Finishes or undoes what dead processes had begun. For whoever holds the pool.</summary>
    private async Task UndoDeadAsync(DirectoryPool pool, CancellationToken cancellationToken)
    {
        foreach (var id in pool.Journal.Running)
        {
            using var dead = pool.Journal.TryTakeOver(id);
            if (dead is null)
                continue;
            bool happened = HasHappened(pool, dead.Record);
            _logger.LogInformation("Request {RequestId} in pool {Pool} was left by a process that ended: {Asked}. It {Ending}.", id, pool.Name, dead.Record.Asked, happened ? "had happened" : "is undone");
            pool.RemoveWork(id);
            if (happened)
            {
                dead.Succeed();
                continue;
            }

            if (dead.Record.Kind == RequestKind.Resize && !await TryRepairAsync(pool, dead.Record.Target, cancellationToken).ConfigureAwait(false))
                continue;
            dead.Fail(new HypervisorException("The process that was at it ended; what it had begun is undone.", ErrorCode.Cancelled, RequestOutcome.Rejected));
        }

        pool.Journal.RemoveUnfinished();
        pool.Leases.RemoveUnfinished();
        pool.RemoveOrphans(pool.Journal.Running);
    }

    private static bool HasHappened(DirectoryPool pool, RequestRecord record)
    {
        var target = pool.Directory.Find(record.Target);
        switch (record.Kind)
        {
            case RequestKind.Make or RequestKind.Replace:
                return target?.Inode == record.Inode;
            case RequestKind.Delete:
                return target?.Inode != record.Inode;
            case RequestKind.MakePool:
                return target is { IsDirectory: true };
            case RequestKind.DeletePool:
                return target is null;
            default:
                return SizeOf(pool, record.Target) == record.SizeBytes;
        }
    }

    /// <summary>What a guest sees of a volume; null when there is none, or it cannot be said.</summary>
    private static long? SizeOf(DirectoryPool pool, string file)
    {
        try
        {
            return pool.Describe(file)?.Size.Bytes;
        }
        catch (HypervisorException error) when (error.Code == ErrorCode.Corrupted || error.Code == ErrorCode.Denied || error.Code == ErrorCode.Unsupported)
        {
            return null;
        }
    }

    /// <summary>A resize that was cut off may have taken space that belongs to nobody.</summary>
    /// <returns>False while the qemu-img that the dead process had started is still at it: whether it happened is then not decided yet.</returns>
    private async Task<bool> TryRepairAsync(DirectoryPool pool, string file, CancellationToken cancellationToken)
    {
        if (VolumeFile.FormatOf(file) != ImageFormat.Qcow2 || pool.Directory.Find(file) is null)
            return true;
        using var handle = pool.Directory.OpenFile(file, FileAccess.ReadWrite);
        try
        {
            await pool.Directory.EffectAsync($"repair {file}", () => _tool.CheckAsync(DiskImage.InFile(handle, ImageFormat.Qcow2), ImageRepair.Leaks, cancellationToken)).ConfigureAwait(false);
            return true;
        }
        catch (HypervisorException error) when (error.Code == ErrorCode.Locked)
        {
            return false;
        }
        catch (HypervisorException error)
        {
            // A damaged volume is not mended here, and keeps nobody from the others.
            _logger.LogWarning(error, "Looking for lost space in volume {File} of pool {Pool} failed.", file, pool.Name);
            return true;
        }
    }
}
