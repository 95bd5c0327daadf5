#pragma warning disable HVSDK004 // Experimental: the simulation has them too.
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using Hypervisor.Sdk.Simulation.Calls;
using Hypervisor.Sdk.Simulation.Driver;
using Hypervisor.Sdk.Simulation.Works;
using Hypervisor.Sdk.Simulation.Worlds;

namespace Hypervisor.Sdk.Simulation.Disks;

/// <summary>The images that a disk is made of, and where they are. What the guest sees of a disk is the guest's: nothing here changes it.</summary>
internal sealed class DiskService(SimulationClient client) : FeatureService(client), IDiskLayers, IDiskMoving
{
    public async IAsyncEnumerable<DiskLayer> ListAsync(InstanceId id, DeviceId disk, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var layers = await EnterAsync("list-layers", id, null, disk.ToString(), () => Task.FromResult(LayersOf(Require(World.Require(id), disk)).ToArray())).ConfigureAwait(false);
        foreach (var layer in layers)
            yield return layer;
    }

    public Task<Operation<Instance>> AddAsync(InstanceId id, DeviceId disk, RequestOptions? request = null, CancellationToken cancellationToken = default) => BeginAsync(
        WorkKinds.AddLayer, id, disk, request, disk.ToString(),
        (instance, before) => RequireOwn(instance, before),
        async (work, instance, before) =>
        {
            await work.Take(World.Draw(World.Options.Durations.Snapshot, "snapshot"), "putting an image upon the disk");
            var volume = before.Volume!;
            volume.Layers = [string.Create(CultureInfo.InvariantCulture, $"{volume.Name}+{++volume.LayersMade}"), .. volume.Layers];
        }, cancellationToken);

    public Task<Operation<Instance>> CommitAsync(InstanceId id, DeviceId disk, string layer, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(layer);
        return BeginAsync(
            WorkKinds.CommitLayer, id, disk, request, $"{disk} {CallText.Word(layer)}",
            (instance, before) =>
            {
                var volume = RequireOwn(instance, before);
                if (layer == volume.Name)
                    throw InvalidState(instance, $"has nothing of its own below '{layer}': what lies there is not this machine's to write to. The disk can be made to stand alone (flattened)");
                if (!volume.Layers.Contains(layer))
                    throw World.Error(ErrorCode.NotFound, RequestOutcome.Rejected, $"the disk '{before.Id}' of '{instance.Name}' has no image '{layer}' of its own", null, "layer");
            },
            async (work, _, before) =>
            {
                var volume = before.Volume!;
                await work.Take(volume.Pool.TimeFor(volume.WrittenBytes), "writing the image into the one below it");
                volume.Layers = [.. volume.Layers.Where(other => other != layer)];
            }, cancellationToken);
    }

    public Task<Operation<Instance>> FlattenAsync(InstanceId id, DeviceId disk, RequestOptions? request = null, CancellationToken cancellationToken = default) => BeginAsync(
        WorkKinds.FlattenDisk, id, disk, request, disk.ToString(),
        (_, before) =>
        {
            if (before.Volume is { ClonedFrom: { } below } volume)
                World.Fit(volume.Pool, 0, below.WrittenBytes, volume.Name);
        },
        async (work, instance, before) =>
        {
            if (before.Volume is not { } volume || (volume.ClonedFrom is null && volume.Layers.Count == 0))
                return;
            await work.Take(volume.Pool.TimeFor(volume.ClonedFrom?.WrittenBytes ?? volume.WrittenBytes), "copying what lies below");
            volume.Layers = [];
            if (volume.ClonedFrom is not { } source)
                return;
            World.Write(volume, source.WrittenBytes);
            volume.Content ??= source.Content?.Share();
            source.Clones--;
            volume.ClonedFrom = null;
            volume.Revision++;
        }, cancellationToken);

    public Task<Operation<Instance>> MoveAsync(InstanceId id, DeviceId disk, VolumeAttachment? target, DiskMoveOptions? options = null, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        if (options?.MaxBandwidthPerSecond is { Bytes: < 1 } bandwidth)
            throw World.Invalid("options.maxBandwidthPerSecond", $"{bandwidth} a second is no bandwidth: 1 byte or more");
        if (options?.Passphrase is not null)
            throw World.Unsupported("options.passphrase", "encrypted disks are not simulated");
        long? limit = options?.MaxBandwidthPerSecond?.Bytes;
        string to = target is null ? "-" : Encoding.UTF8.GetString(ModelJson.Default.Write(target));
        return BeginAsync(
            WorkKinds.MoveDisk, id, disk, request, $"{disk} {limit?.ToString(CultureInfo.InvariantCulture) ?? "-"} {to}",
            (instance, before) =>
            {
                if (before.Volume is { Clones: > 0 })
                    throw InvalidState(instance, $"has the disk '{before.Id}', on which linked clones lie");
                if (target is not null)
                    _ = Place(instance, before, target);
            },
            async (work, instance, before) =>
            {
                var pool = before.Volume?.Pool ?? World.RequirePool(null, instance.Node, "target");
                long bytes = before.Volume?.WrittenBytes ?? before.GuestBytes;
                // What a move needs at its target is taken at once, and given back when it does not get there.
                var made = target is null ? World.MakeVolume(World.RequirePool(null, instance.Node, "target"), null, before.GuestBytes, before.Thin, bytes, instance, null) : null;
                try
                {
                    var time = pool.TimeFor(bytes);
                    var atLimit = limit is { } most ? TimeSpan.FromSeconds(bytes / (double)most) : TimeSpan.Zero;
                    await work.Take(atLimit > time ? atLimit : time, $"copying disk {before.Id}");
                }
                catch when (made is not null)
                {
                    World.RemoveVolume(made);
                    throw;
                }

                var after = made is null ? Place(instance, before, target!) : before with { Volume = made, External = null, IsOwn = true, Disposal = DiskDisposal.DeletedWithInstance };
                if (made is not null)
                    made.Content = before.Volume?.Content?.Share();
                if (after.Volume is { } there)
                    there.Owner = instance;
                World.Save(instance, instance.Config with { Disks = [.. instance.Config.Disks.Select(other => other.Id == before.Id ? after : other)] });
                World.ReleaseDisk(before);
            }, cancellationToken);
    }

    /// <summary>The disk at another place, which must be free and of its size as far as that is known here.</summary>
    private DiskConfig Place(SimInstance instance, DiskConfig disk, VolumeAttachment target)
    {
        var away = disk with { Volume = null, External = null, IsOwn = false, SizeBytes = disk.GuestBytes, Disposal = DiskDisposal.Kept };
        if (target is not VolumeAttachment.Managed managed)
        {
            string path = Machines.MachineReader.External(target);
            return instance.Config.Disks.Any(other => other.External == path) ? throw World.Invalid("target", $"'{path}' is a disk of this machine already") : away with { External = path };
        }

        if (!World.Volumes.TryGetValue(managed.Volume, out var volume))
            throw World.Error(ErrorCode.NotFound, RequestOutcome.Rejected, $"there is no volume '{managed.Volume}'", null, "target");
        if (volume.Owner is { } owner)
            throw World.Refused(ErrorCode.Locked, $"The volume '{volume.Id}' is a disk of '{owner.Name}'.");
        return volume.SizeBytes == disk.GuestBytes
            ? away with { Volume = volume }
            : throw World.Invalid("target", $"it has {volume.SizeBytes} bytes, and the disk '{disk.Id}' has {disk.GuestBytes}: a disk moves to a volume of exactly its size");
    }

    private Task<Operation<Instance>> BeginAsync(
        string kind, InstanceId id, DeviceId disk, RequestOptions? request, string arguments, Action<SimInstance, DiskConfig> accept, Func<Work, SimInstance, DiskConfig, Task> run, CancellationToken cancellationToken)
    {
        if (disk.IsDefault)
            throw new ArgumentException("A disk is needed.", nameof(disk));
        return EnterAsync(kind, id, request, arguments, token => World.Works.BeginAsync<Instance>(
            kind, id, null, request,
            instance =>
            {
                var before = Require(instance, disk);
                RefuseBusy(instance, before);
                accept(instance, before);
            },
            async (work, instance) =>
            {
                var before = Require(instance, disk);
                await run(work, instance, before).ConfigureAwait(false);
                instance.Touch();
                World.Events.Changed(instance);
                return instance.View;
            }, canCancel: true, cancellationToken: token), cancellationToken);
    }

    private DiskConfig Require(SimInstance instance, DeviceId disk) => instance.Config.Disks.FirstOrDefault(known => known.Id == disk)
        ?? throw World.Error(ErrorCode.NotFound, RequestOutcome.Rejected, $"'{instance.Name}' has no disk '{disk}'", null, "disk");

    private SimVolume RequireOwn(SimInstance instance, DiskConfig disk) => disk is { IsOwn: true, Volume: { } volume }
        ? volume
        : throw World.Refused(ErrorCode.Unsupported, $"'{instance.Name}' has the disk '{disk.Id}', which is somebody else's: images are put upon the machine's own.", instance.Text);

    private void RefuseBusy(SimInstance instance, DiskConfig disk)
    {
        if (disk.IsCd || disk.ReadOnly)
            throw World.Refused(ErrorCode.Unsupported, $"'{instance.Name}' cannot write to '{disk.Id}', which stays what it is.", instance.Text);
        if (instance.IsTemplate)
            throw InvalidState(instance, "is a template, and its disks never change: make it an instance first");
        if (instance.Snapshots?.Items.FirstOrDefault(snapshot => snapshot.Config.Disks.Any(kept => kept.Id == disk.Id)) is { } holder)
            throw InvalidState(instance, $"has the snapshot '{holder.Name}', which needs the disk '{disk.Id}' as it is: delete what holds it first");
    }

    private static IEnumerable<DiskLayer> LayersOf(DiskConfig disk)
    {
        if (disk.Volume is not { } volume)
        {
            yield return new DiskLayer { Name = disk.External ?? disk.Id.ToString(), Format = "raw" };
            yield break;
        }

        foreach (string layer in volume.Layers)
            yield return new DiskLayer { Name = layer, Format = "qcow2", IsOwn = disk.IsOwn };
        yield return new DiskLayer { Name = volume.Name, Format = volume.Format, Allocated = new ByteSize(volume.WrittenBytes), IsOwn = disk.IsOwn };
        for (var below = volume.ClonedFrom; below is not null; below = below.ClonedFrom)
            yield return new DiskLayer { Name = below.Name, Format = below.Format, Allocated = new ByteSize(below.WrittenBytes) };
    }
}
