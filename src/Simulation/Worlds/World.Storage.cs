using System.Globalization;

namespace Hypervisor.Sdk.Simulation.Worlds;

/// <content>Volumes.</content>
internal sealed partial class World
{
    private readonly Dictionary<VolumeId, SimVolume> _volumes = [];
    private long _lastVolume;
    private long _lastLease;

    public Dictionary<string, SimLease> Leases { get; } = new(StringComparer.Ordinal);

    public Dictionary<VolumeId, SimVolume> Volumes => _volumes;

    public string NextLeaseId() => string.Create(CultureInfo.InvariantCulture, $"lease-{++_lastLease}");

    /// <summary>A pool by name, or the first that the node reaches.</summary>
    public SimPool RequirePool(PoolName? name, SimNode? node, string field)
    {
        if (name is { } wanted)
        {
            if (!Pools.TryGetValue(wanted.ToString(), out var named))
                throw Error(ErrorCode.NotFound, RequestOutcome.Rejected, $"there is no pool '{wanted}'", null, field);
            return named.Node is null || node is null || named.Node == node.Name ? named : throw Invalid(field, $"the pool '{wanted}' is on the node '{named.Node}', the instance on '{node.Text}'");
        }

        return Pools.Values.FirstOrDefault(pool => pool.Node is null || node is null || pool.Node == node.Name)
            ?? throw Invalid(field, $"the node '{node?.Text}' reaches no pool");
    }

    /// <summary>Makes a volume, which takes its space at once.</summary>
    /// <exception cref="HypervisorException">The pool is full, or the name is taken.</exception>
    public SimVolume MakeVolume(SimPool pool, string? name, long sizeBytes, bool thin, long writtenBytes, SimInstance? owner, SimVolume? clonedFrom)
    {
        long number = ++_lastVolume;
        string text = name ?? string.Create(CultureInfo.InvariantCulture, $"{(owner is null ? "volume" : owner.Text)}-{number}");
        var id = VolumeId.Parse($"{pool.Text}/{text}");
        if (_volumes.ContainsKey(id))
            throw Refused(ErrorCode.AlreadyExists, $"There is a volume '{id}' already.");
        long written = clonedFrom is null ? Math.Max(writtenBytes, pool.WrittenBytes(sizeBytes, thin)) : 0;
        Fit(pool, sizeBytes, written, text);
        var volume = new SimVolume { Id = id, Pool = pool, Name = text, SizeBytes = sizeBytes, WrittenBytes = written, Format = "raw", CreatedAt = Clock.GetUtcNow(), Owner = owner, ClonedFrom = clonedFrom };
        pool.Take(sizeBytes, written);
        if (clonedFrom is not null)
            clonedFrom.Clones++;
        _volumes.Add(id, volume);
        return volume;
    }

    /// <summary>Refuses what a pool cannot hold.</summary>
    public void Fit(SimPool pool, long sizeBytes, long writtenBytes, string what)
    {
        if (pool.WhyNot(sizeBytes, writtenBytes) is { } problem)
            throw Error(ErrorCode.Exhausted, RequestOutcome.Rejected, $"The pool '{pool.Text}' cannot take '{what}': {problem}.", null, about: pool.Text);
    }

    /// <summary>Something more is written to a volume.</summary>
    public static void Write(SimVolume volume, long bytes)
    {
        long more = Math.Min(bytes, volume.SizeBytes - volume.WrittenBytes);
        volume.Pool.Take(0, more);
        volume.WrittenBytes += more;
    }

    public void RemoveVolume(SimVolume volume)
    {
        if (!_volumes.Remove(volume.Id))
            return;
        volume.Pool.Take(-volume.SizeBytes, -volume.WrittenBytes);
        volume.Content?.Dispose();
        volume.Content = null;
        if (volume.ClonedFrom is { } source)
            source.Clones--;
    }

    /// <summary>Deletes the disks that go with an instance, and lets the others go.</summary>
    public void ReleaseDisks(SimInstance instance)
    {
        foreach (var record in instance.Snapshots?.Items ?? [])
            Forget(record);
        foreach (var disk in instance.Config.Disks)
            ReleaseDisk(disk);
    }

    /// <summary>What a snapshot took of its pools is free again.</summary>
    public static void Forget(Snapshots.SnapshotRecord record)
    {
        foreach (var (pool, bytes) in record.Taken)
            pool.Take(0, -bytes);
    }

    public void ReleaseDisk(DiskConfig disk)
    {
        if (disk.Volume is not { } volume)
            return;
        if (disk.IsOwn && disk.Disposal == DiskDisposal.DeletedWithInstance)
            RemoveVolume(volume);
        else
            volume.Owner = null;
    }
}
