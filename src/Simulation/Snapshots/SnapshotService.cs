using System.Runtime.CompilerServices;
using System.Text;
using Hypervisor.Sdk.Simulation.Calls;
using Hypervisor.Sdk.Simulation.Driver;
using Hypervisor.Sdk.Simulation.Works;
using Hypervisor.Sdk.Simulation.Worlds;

namespace Hypervisor.Sdk.Simulation.Snapshots;

/// <summary>Snapshots as trees, with memory where asked.</summary>
internal sealed class SnapshotService(SimulationClient client) : FeatureService(client), ISnapshots
{
    public async IAsyncEnumerable<Snapshot> ListAsync(InstanceId id, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var snapshots = await EnterAsync("list-snapshots", id, null, null, () =>
        {
            var tree = World.Require(id).Snapshots;
            return Task.FromResult(tree is null ? [] : tree.Items.Select(record => ViewOf(tree, record)).ToArray());
        }).ConfigureAwait(false);
        foreach (var snapshot in snapshots)
            yield return snapshot;
    }

    public Task<Operation<Snapshot>> CreateAsync(InstanceId id, SnapshotSpec spec, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(spec);
        if (spec.Name.IsDefault)
            throw new ArgumentException("A snapshot needs a name.", nameof(spec));
        // Read before the call returns, and not kept.
        var kept = new SnapshotSpec { Name = spec.Name, IncludeMemory = spec.IncludeMemory, Quiesce = spec.Quiesce, Description = spec.Description, ExpiresAt = spec.ExpiresAt };
        return EnterAsync(WorkKinds.CreateSnapshot, id, request, World.Options.TraceCalls ? Encoding.UTF8.GetString(ModelJson.Default.Write(kept)) : null, token => World.Works.BeginAsync<Snapshot>(
            WorkKinds.CreateSnapshot, id, null, request,
            instance => Accept(instance, kept),
            async (work, instance) =>
            {
                var record = await MakeAsync(work, instance, kept).ConfigureAwait(false);
                return ViewOf(instance.Snapshots!, record);
            }, canCancel: true, cancellationToken: token), cancellationToken);
    }

    public Task<Operation<Instance>> RevertAsync(InstanceId id, SnapshotName name, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        if (name.IsDefault)
            throw new ArgumentException("A snapshot name is needed.", nameof(name));
        return EnterAsync(WorkKinds.RevertSnapshot, id, request, name.ToString(), token => World.Works.BeginAsync<Instance>(
            WorkKinds.RevertSnapshot, id, null, request,
            instance =>
            {
                var record = Require(instance, name);
                RefuseTemplate(instance);
                RefuseOtherDisks(instance, record);
            },
            async (work, instance) =>
            {
                await RevertAsync(work, instance, Require(instance, name)).ConfigureAwait(false);
                return instance.View;
            }, cancellationToken: token), cancellationToken);
    }

    public Task<Operation> DeleteAsync(InstanceId id, SnapshotName name, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        if (name.IsDefault)
            throw new ArgumentException("A snapshot name is needed.", nameof(name));
        return EnterAsync<Operation>(WorkKinds.DeleteSnapshot, id, request, name.ToString(), async token => await World.Works.BeginAsync<bool>(
            WorkKinds.DeleteSnapshot, id, null, request,
            instance =>
            {
                Require(instance, name);
                RefuseTemplate(instance);
            },
            async (work, instance) =>
            {
                await work.Take(World.Draw(World.Options.Durations.Snapshot, "snapshot"), "deleting the snapshot");
                var record = Require(instance, name);
                instance.Snapshots!.Remove(record);
                World.Forget(record);
                World.Events.Changed(instance);
                return true;
            }, cancellationToken: token).ConfigureAwait(false), cancellationToken);
    }

    private async Task<SnapshotRecord> MakeAsync(Work work, SimInstance instance, SnapshotSpec spec)
    {
        await work.Take(World.Draw(World.Options.Durations.Snapshot, "snapshot"), "keeping the disks");
        var config = instance.Config;
        var taken = Cost(instance, spec);
        foreach (var (pool, bytes) in taken)
            World.Fit(pool, 0, bytes, $"the snapshot {spec.Name}");
        if (spec.IncludeMemory)
            await StandStillAsync(instance, () => TakeAsync(work, taken[0].Pool.TimeFor(config.FootprintBytes), "saving the memory")).ConfigureAwait(false);
        foreach (var (pool, bytes) in taken)
            pool.Take(0, bytes);
        var tree = instance.Snapshots ??= new SnapshotTree();
        var record = new SnapshotRecord
        {
            Name = spec.Name.ToString(),
            Parent = tree.Current,
            CreatedAt = World.Clock.GetUtcNow(),
            IncludesMemory = spec.IncludeMemory,
            State = instance.State,
            Description = spec.Description,
            ExpiresAt = spec.ExpiresAt,
            Config = config,
            Files = World.FilesOf(instance),
            DiskBytes = [.. config.Disks.Select(static disk => disk.GuestBytes)],
            Taken = taken,
        };
        tree.Add(record);
        World.Note("snapshot", instance.Text, $"{record.Name} parent={record.Parent ?? "-"}{(record.IncludesMemory ? " memory" : "")}");
        World.Events.Changed(instance);
        return record;
    }

    /// <summary>Moves memory, during which a guest that runs stands still where that is said.</summary>
    private async Task StandStillAsync(SimInstance instance, Func<Task> move)
    {
        if (!World.Personality.StandsStillForMemory || instance.State != PowerState.Running)
        {
            await move().ConfigureAwait(false);
            return;
        }

        Hold(PowerState.Paused);
        try
        {
            await move().ConfigureAwait(false);
        }
        finally
        {
            if (instance.State == PowerState.Paused)
                Hold(PowerState.Running);
        }

        void Hold(PowerState state)
        {
            World.SetState(instance, state, "Its memory is being kept or put back.");
            World.GuestOf(instance).SetPaused(state == PowerState.Paused);
        }
    }

    private static async Task TakeAsync(Work work, TimeSpan time, string what) => await work.Take(time, what);

    /// <summary>What it takes: the memory, and of thick pools the whole disks.</summary>
    private List<(SimPool Pool, long Bytes)> Cost(SimInstance instance, SnapshotSpec spec)
    {
        var taken = instance.Config.Disks.Where(static disk => disk.Volume is not null).Select(static disk => (disk.Volume!.Pool, Bytes: disk.Volume.Pool.Thin ? 0L : disk.Volume.SizeBytes)).ToList();
        if (spec.IncludeMemory)
            taken.Insert(0, (taken.Count > 0 ? taken[0].Pool : World.RequirePool(null, instance.Node, "pool"), instance.Config.FootprintBytes));
        return taken;
    }

    private async Task RevertAsync(Work work, SimInstance instance, SnapshotRecord record)
    {
        bool wasUp = instance.IsUp;
        bool runs = record.IncludesMemory || wasUp;
        await work.Take(World.Draw(World.Options.Durations.Snapshot, "snapshot"), "putting the disks back");
        if (record.IncludesMemory)
            await StandStillAsync(instance, () => TakeAsync(work, World.RequirePool(null, instance.Node, "pool").TimeFor(record.Config.FootprintBytes), "loading the memory")).ConfigureAwait(false);
        if (wasUp && !record.IncludesMemory)
            World.SwitchOff(instance, $"It goes back to the snapshot '{record.Name}'.");
        instance.HasSavedMemory = false;
        instance.Snapshots!.Current = record.Name;
        Restore(instance, record);
        if (!runs)
        {
            World.SetState(instance, PowerState.Stopped);
            return;
        }

        if (!instance.IsUp)
            World.RequireMemory(instance);
        else
        {
            World.Hold(instance, instance.Config.FootprintBytes);
            instance.HeldCpus = instance.Config.Cpus;
        }

        var guest = World.GuestOf(instance);
        if (!record.IncludesMemory)
        {
            await work.Take(World.Draw(World.Options.Durations.Start, "start"), "starting");
            World.SetState(instance, PowerState.Running, $"It went back to the snapshot '{record.Name}'.");
            guest.PowerOn();
            return;
        }

        World.SetState(instance, record.State == PowerState.Paused ? PowerState.Paused : PowerState.Running, $"It went back to the snapshot '{record.Name}'.");
        guest.Wake();
        guest.SetPaused(record.State == PowerState.Paused);
    }

    /// <summary>The devices and sizes are as they were then; what it is called stays.</summary>
    private void Restore(SimInstance instance, SnapshotRecord record)
    {
        bool isResized = false;
        for (int i = 0; i < record.Config.Disks.Count; i++)
        {
            if (record.Config.Disks[i].Volume is not { } volume || volume.SizeBytes == record.DiskBytes[i])
                continue;
            volume.Pool.Take(record.DiskBytes[i] - volume.SizeBytes, 0);
            volume.SizeBytes = record.DiskBytes[i];
            volume.Revision++;
            isResized = true;
        }

        World.PutFiles(instance, record.Files);
        var now = instance.Config;
        var then = record.Config with { Name = now.Name, Description = now.Description, Labels = now.Labels };
        if (isResized || then != now)
            World.Save(instance, then);
        else
            World.Events.Changed(instance);
    }

    private void Accept(SimInstance instance, SnapshotSpec spec)
    {
        if (!World.Personality.Naming.Accepts(spec.Name.ToString(), out string? problem))
            throw World.Invalid("name", problem);
        if (instance.Snapshots?.Find(spec.Name.ToString()) is not null)
            throw World.Refused(ErrorCode.AlreadyExists, $"'{instance.Name}' has a snapshot '{spec.Name}' already.", instance.Text);
        RefuseTemplate(instance);
        if (spec.IncludeMemory && !instance.IsUp)
            throw InvalidState(instance, $"is {instance.State}: it has no memory to keep");
        if (spec.IncludeMemory && World.Personality.Answer(Capability.MemorySnapshots) is { Support: CapabilitySupport.No } no)
            throw World.Unsupported("includeMemory", no.Reason!.TrimEnd('.'));
        if (spec.Quiesce)
            RefuseSilent(World, instance);
        if (instance.Config.Disks.FirstOrDefault(static disk => !disk.ReadOnly && (!disk.IsOwn || disk.Volume is null)) is { } other)
            throw World.Refused(ErrorCode.Unsupported, $"'{instance.Name}' has the disk '{other.Id}', which is somebody else's: a snapshot cannot hold it.", instance.Text);
        if (!spec.IncludeMemory && instance.Kind == InstanceKind.VirtualMachine && instance.Config.Disks.All(static disk => disk.ReadOnly))
            throw World.Refused(ErrorCode.Unsupported, $"'{instance.Name}' has no writable disk: without memory there is nothing to keep.", instance.Text);
        if (spec.IncludeMemory && instance.HasPendingChanges)
            throw InvalidState(instance, "has changes that wait for its next start: what its memory belongs to is not what is written down. Restart it first");
    }

    /// <summary>Refuses when nobody in the guest could bring its file systems to rest.</summary>
    internal static void RefuseSilent(World world, SimInstance instance)
    {
        if (instance.State != PowerState.Running)
            throw world.Refused(ErrorCode.InvalidState, $"'{instance.Name}' is {instance.State}: there is no guest that could bring its file systems to rest.", instance.Text);
        var guest = world.GuestOf(instance);
        if (!guest.IsUp || guest.IsAgentSilent)
            throw world.Refused(ErrorCode.Unavailable, $"The agent in '{instance.Name}' does not answer: its file systems cannot be brought to rest.", instance.Text);
    }

    /// <summary>Clones may share a template's images: nothing is written to them.</summary>
    private void RefuseTemplate(SimInstance instance)
    {
        if (instance.IsTemplate)
            throw InvalidState(instance, "is a template, and its disks never change: make it an instance first");
    }

    /// <summary>Going back must neither lose a disk that was added since nor miss one that was removed.</summary>
    private void RefuseOtherDisks(SimInstance instance, SnapshotRecord record)
    {
        var then = record.Config.Disks.Where(static disk => disk.IsOwn).Select(static disk => disk.Volume).ToHashSet();
        if (instance.Config.Disks.FirstOrDefault(disk => disk.IsOwn && !then.Contains(disk.Volume)) is { } added)
            throw InvalidState(instance, $"has the disk '{added.Id}', which it had not when '{record.Name}' was made: remove it first, going back would lose it");
    }

    private SnapshotRecord Require(SimInstance instance, SnapshotName name) => instance.Snapshots?.Find(name.ToString())
        ?? throw World.Refused(ErrorCode.NotFound, $"'{instance.Name}' has no snapshot '{name}'.", instance.Text);

    private static Snapshot ViewOf(SnapshotTree tree, SnapshotRecord record) => new()
    {
        Name = record.Name,
        Parent = record.Parent,
        IsCurrent = tree.Current == record.Name,
        CreatedAt = record.CreatedAt,
        IncludesMemory = record.IncludesMemory,
        Size = new ByteSize(record.Taken.Sum(static taken => taken.Bytes)),
        ExpiresAt = record.ExpiresAt,
        Description = record.Description,
    };
}
