using System.Runtime.Versioning;
using System.Text.Json;
using Hypervisor.Sdk.DiskImages;

namespace Hypervisor.Sdk.Storage.Directory;

/// <summary>
/// The requests of a pool: those under way in <c>running/</c>, the others in <c>done/</c>, where the ending of the name says how they ended. A change of state is one rename. All but <see cref="Find"/> is for
/// whoever holds the pool.
/// </summary>
[SupportedOSPlatform("linux")]
internal sealed class RequestJournal(RootedDirectory directory, string state)
{
    private const int MaxRecordBytes = 64 << 10;
    private const string Succeeded = ".succeeded";
    private const string Failed = ".failed";

    private readonly string _running = state + "/running";
    private readonly string _done = state + "/done";
    private readonly string _pruned = state + "/pruned";

    public void MakeDirectories()
    {
        directory.CreateDirectory(_running);
        directory.CreateDirectory(_done);
    }

    /// <summary>What is known of a request.</summary>
    public (RequestState State, RequestRecord? Record) Find(RequestId id)
    {
        // In this order, so that one that ends meanwhile is found in one place or the other.
        if (Read(RunningPath(id.ToGuid())) is { } running)
            return (RequestState.Running, running);
        if (Read(DonePath(id.ToGuid(), Succeeded)) is { } succeeded)
            return (RequestState.Succeeded, succeeded);
        if (Read(DonePath(id.ToGuid(), Failed)) is { } failed)
            return (RequestState.Failed, failed);
        return (RequestState.NeverSeen, null);
    }

    /// <summary>Whether records older than the retention were ever removed here.</summary>
    public bool WasPruned => directory.Find(_pruned) is not null;

    /// <summary>The ids of the requests that are under way, or were when somebody died.</summary>
    public IReadOnlyList<Guid> Running => directory.Find(_running) is null ? [] : Ids(_running);

    public RunningRequest Begin(RequestRecord record)
    {
        // One that failed is tried again under the same id.
        directory.Delete(DonePath(record.Id, Failed));
        string unfinished = $"{_running}/{RootedDirectory.UnfinishedPrefix}{record.Id:N}";
        var file = directory.CreateFile(unfinished);
        try
        {
            FileLock.TryHold(file, exclusive: true);
            directory.Write(file, JsonSerializer.SerializeToUtf8Bytes(record, StateJson.Default.RequestRecord), 0, unfinished);
            directory.FlushFile(file, unfinished);
            directory.Rename(unfinished, RunningPath(record.Id));
            return new RunningRequest(this, record, file);
        }
        catch (Exception failure)
        {
            file.Dispose();
            if (failure is HypervisorException)
                directory.Delete(unfinished);
            throw;
        }
    }

    /// <summary>Takes over a request at which nobody is any more; null when somebody is.</summary>
    public RunningRequest? TryTakeOver(Guid id)
    {
        var file = directory.OpenFile(RunningPath(id), FileAccess.ReadWrite);
        if (FileLock.TryHold(file, exclusive: true) && Read(RunningPath(id)) is { } record)
            return new RunningRequest(this, record, file);
        file.Dispose();
        return null;
    }

    public void Succeed(RequestRecord record) => directory.Rename(RunningPath(record.Id), DonePath(record.Id, Succeeded), replace: true);

    public void Fail(RequestRecord record, HypervisorException error)
    {
        try
        {
            var failed = record with { ErrorCode = error.Code.ToString(), ErrorMessage = error.Message };
            directory.AtomicWrite(DonePath(record.Id, Failed), JsonSerializer.SerializeToUtf8Bytes(failed, StateJson.Default.RequestRecord));
            directory.Delete(RunningPath(record.Id));
        }
        catch (HypervisorException full) when (full.Code == ErrorCode.Exhausted)
        {
            // No space to say why. That it failed takes none.
            directory.Rename(RunningPath(record.Id), DonePath(record.Id, Failed), replace: true);
        }
    }

    /// <summary>Removes what crashes have left of records that never began.</summary>
    public void RemoveUnfinished() => directory.RemoveUnfinishedWrites(_running);

    /// <summary>Removes records that are older than the retention, and what crashes have left of any.</summary>
    public void Prune(DateTimeOffset olderThan)
    {
        RemoveUnfinished();
        directory.RemoveUnfinishedWrites(_done);
        using var done = directory.OpenDirectory(_done);
        foreach (string name in done.List())
        {
            if (done.Find(name) is not { } facts || facts.ModifiedAt >= olderThan)
                continue;
            if (!WasPruned)
                directory.AtomicWrite(_pruned, default);
            done.Delete(name);
        }
    }

    private static string Name(Guid id) => id.ToString("D");

    private IReadOnlyList<Guid> Ids(string path)
    {
        using var running = directory.OpenDirectory(path);
        return [.. running.List().Select(name => Guid.TryParseExact(name, "D", out var id) ? id : default).Where(id => id != default)];
    }

    private string RunningPath(Guid id) => $"{_running}/{Name(id)}";

    private string DonePath(Guid id, string ending) => $"{_done}/{Name(id)}{ending}";

    private RequestRecord? Read(string path)
    {
        if (directory.Read(path, MaxRecordBytes) is not { } content)
            return null;
        try
        {
            return JsonSerializer.Deserialize(content, StateJson.Default.RequestRecord);
        }
        catch (JsonException error)
        {
            throw new HypervisorException($"The record '{path}' in '{directory.Path}' cannot be read: {error.Message} Look at it, and remove it.", ErrorCode.Corrupted, RequestOutcome.Rejected, error);
        }
    }
}
