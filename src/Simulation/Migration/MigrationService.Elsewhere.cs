using Hypervisor.Sdk.Simulation.Guests;
using Hypervisor.Sdk.Simulation.Works;
using Hypervisor.Sdk.Simulation.Worlds;

namespace Hypervisor.Sdk.Simulation.Migration;

/// <content>
/// Moves to another data centre, which has a loop and a clock of its own. What goes over is values only: the instance here ends, and another one of the same id and incarnation begins there. It is held at the other one from
/// the beginning; the moment at which that one has it is the moment of the move.
/// </content>
internal sealed partial class MigrationService
{
    /// <summary>The kind of the line in the trace of the data centre that an instance comes to: what it brings is not in that trace.</summary>
    public const string Comes = "comes";

    /// <summary>The service of the data centre that a target names; null for this one, and where there is none, with the reason.</summary>
    private async ValueTask<(MigrationService? There, string? Problem)> FindAsync(MigrationTarget target, CancellationToken cancellationToken)
    {
        if (target.Backend is not { } name || name == World.Name)
            return default;
        if (World.Options.FindBackend is not { } find)
            return (null, $"The backend '{name}' is not known to this data centre: {nameof(SimulationOptions)}.{nameof(SimulationOptions.FindBackend)} is not set.");
        try
        {
            var backend = await find(name, cancellationToken).ConfigureAwait(true);
            if (!backend.TryGet<MigrationService>(out var there) || there.World.Personality.Name != World.Personality.Name)
                return (null, $"The backend '{name}' is of another kind than this one.");
            return there.World == World ? (null, $"It is at '{name}' already.") : (there, null);
        }
        catch (HypervisorException error)
        {
            return (null, $"The backend '{name}' cannot be reached: {error.Message}");
        }
    }

    /// <summary>What stands in the way at the other data centre.</summary>
    private async ValueTask<IReadOnlyList<string>> ObstaclesAsync(SimInstance instance, MigrationTarget target, MigrationService? there, string? problem)
    {
        if (there is null)
            return problem is null ? [] : [problem];
        var (id, config) = (instance.Id, instance.Config);
        return await World.Loop.VisitAsync(there.World.Loop, () => (IReadOnlyList<string>)[.. there.ObstaclesToCome(id, config, target)]).ConfigureAwait(false);
    }

    private static IEnumerable<string> ObstaclesToLeave(SimInstance instance, bool withStorage)
    {
        if (instance.State != PowerState.Running && instance.State != PowerState.Paused)
            yield return $"It is {instance.State}; it must be {PowerState.Running} or {PowerState.Paused} to move to another backend.";
        if (instance.HasPendingChanges)
            yield return "It has changes that wait for its next start. Restart it first.";
        if (instance.Snapshots is { Items.Count: > 0 })
            yield return "It has snapshots, which would stay behind: delete them first.";
        if (instance.Config.HasPassthrough)
            yield return "It has devices of its node.";
        foreach (var disk in instance.Config.Disks.Where(disk => disk.Volume is not null && !(withStorage && disk.IsOwn && !disk.ReadOnly)))
            yield return $"The disk '{disk.Id}' is in this data centre, which the other does not see: {(disk.IsOwn && !disk.ReadOnly ? "let it move along" : "it cannot move along")}, or attach one that both see.";
    }

    private IEnumerable<string> ObstaclesToCome(InstanceId id, InstanceConfig config, MigrationTarget target)
    {
        if (World.Find(id) is not null)
            yield return $"'{World.Name}' has an instance with the id '{id}' already.";
        if (World.IsNameTaken(config.Name))
            yield return $"'{World.Name}' has an instance of the name '{config.Name}' already.";
        foreach (var network in config.Networks.Where(network => !World.Networks.ContainsKey(network.Network)))
            yield return $"'{World.Name}' has no network '{network.Network}'.";
        if (target.Pool is { } pool)
            yield return $"Disks stay where they are when an instance moves to another backend, so it is not put into the pool '{pool}'.";
        var node = PlaceFor(config, target, out string? problem);
        if (node is null)
            yield return problem!;
        else if (config.FootprintBytes > node.MemoryBytes - node.UsedMemoryBytes)
            yield return $"The node '{node.Text}' of '{World.Name}' has {new ByteSize(Math.Max(0, node.MemoryBytes - node.UsedMemoryBytes))} of memory left; it needs {new ByteSize(config.FootprintBytes)}.";
    }

    private SimNode? PlaceFor(InstanceConfig config, MigrationTarget target, out string? problem)
    {
        try
        {
            problem = null;
            return World.Place(new Placement { Node = target.Node }, config.Architecture);
        }
        catch (HypervisorException error)
        {
            problem = error.Message;
            return null;
        }
    }

    private async Task<Instance> MoveAwayAsync(Work work, SimInstance instance, MigrationService there, MigrationTarget target, MigrationOptions options)
    {
        bool runs = instance.State == PowerState.Running;
        var (id, config) = (instance.Id, instance.Config);
        await work.Take(World.Draw(World.Options.Durations.Migration, "migration"), "agreeing with the other backend", 0);
        var node = await World.Loop.VisitAsync(there.World.Loop, () => there.Reserve(id, config, target, World.Name)).ConfigureAwait(false);
        bool isThere = false;
        instance.Node.Migrations++;
        try
        {
            foreach (var disk in config.Disks.Where(disk => disk.Volume is not null))
                await work.Take(TimeSpan.FromSeconds(disk.Volume!.WrittenBytes / Bandwidth(instance.Node, node, options)), $"disk {disk.Id}", 0);
            await CopyMemoryAsync(work, instance, node, options, runs && options.Live).ConfigureAwait(false);
            await work.Take(World.Draw(World.Options.Durations.Migration, "migration"), "taking over");
            if (instance.State != PowerState.Running && instance.State != PowerState.Paused)
                throw InvalidState(instance, $"is {instance.State}: it ended while it was moved");
            var arriving = new Arriving(id, instance.Incarnation, config, instance.CreatedAt, instance.ClonedFrom, instance.Revision, runs, instance.Guest is { IsUp: true }, World.FilesOf(instance),
                config.Disks.Where(disk => disk.Volume is not null).ToDictionary(disk => disk.Id, disk => (disk.Volume!.SizeBytes, disk.Volume.WrittenBytes)));
            var view = await World.Loop.VisitAsync(there.World.Loop, () => there.Receive(arriving, node)).ConfigureAwait(false);
            isThere = true;
            instance.Guest?.PowerOff();
            World.SetState(instance, PowerState.Stopped, $"It has moved to '{there.World.Name}'.");
            World.Note("moved", instance.Text, $"{World.Name}>{there.World.Name}");
            World.Remove(instance);
            return view;
        }
        finally
        {
            instance.Node.Migrations--;
            if (!isThere)
            {
                await World.Loop.VisitAsync(there.World.Loop, () => there.Abandon(id, config, node)).ConfigureAwait(false);
                // On any failure it runs on where it was.
                if (runs && instance.State == PowerState.Paused)
                    Switch(instance, PowerState.Running);
            }
        }
    }

    /// <summary>Keeps the id, the name and the memory for one that comes. Within this data centre's loop, as what follows.</summary>
    private SimNode Reserve(InstanceId id, InstanceConfig config, MigrationTarget target, BackendName from)
    {
        // What was free when the move was asked for may have been taken since.
        if (ObstaclesToCome(id, config, target).FirstOrDefault() is { } obstacle)
            throw World.Error(ErrorCode.Conflict, RequestOutcome.FailedMidway, obstacle, id.ToString());
        var node = PlaceFor(config, target, out _)!;
        if (!World.TryClaimId(id))
            throw World.Error(ErrorCode.Conflict, RequestOutcome.FailedMidway, $"Another instance with the id '{id}' is coming to '{World.Name}'.", id.ToString());
        World.ClaimName(config.Name);
        // Nobody has called here: whoever replays the trace has to be told.
        World.Note(Comes, id.ToString(), from.ToString());
        node.UsedMemoryBytes += config.FootprintBytes;
        node.AssignedMemoryBytes += config.FootprintBytes;
        node.Migrations++;
        return node;
    }

    private bool Abandon(InstanceId id, InstanceConfig config, SimNode node)
    {
        node.Migrations--;
        node.UsedMemoryBytes -= config.FootprintBytes;
        node.AssignedMemoryBytes -= config.FootprintBytes;
        World.ReleaseName(config.Name);
        World.ReleaseId(id);
        return true;
    }

    private Instance Receive(Arriving arriving, SimNode node)
    {
        World.RequireReachable(node, arriving.Id.ToString());
        var disks = MakeDisks(arriving, node);
        node.Migrations--;
        node.UsedMemoryBytes -= arriving.Config.FootprintBytes;
        var instance = new SimInstance
        {
            Number = World.NextNumber(),
            Id = arriving.Id,
            Incarnation = arriving.Incarnation,
            Config = arriving.Config with { Disks = disks },
            Node = node,
            ShowsNode = World.Personality.HasNodes,
            CreatedAt = arriving.CreatedAt,
            ClonedFrom = arriving.ClonedFrom,
            Revision = arriving.Revision,
        };
        foreach (var disk in disks)
        {
            if (disk.Volume is { } volume)
                volume.Owner = instance;
        }

        World.Add(instance);
        World.PutFiles(instance, arriving.Files);
        var guest = World.GuestOf(instance);
        World.SetState(instance, arriving.Runs ? PowerState.Running : PowerState.Paused, "It has moved here.");
        if (arriving.IsGuestUp)
            guest.Wake();
        else
            guest.PowerOn();
        guest.SetPaused(!arriving.Runs);
        return instance.View;
    }

    /// <summary>All of them or none.</summary>
    private List<DiskConfig> MakeDisks(Arriving arriving, SimNode node)
    {
        var made = new List<SimVolume>();
        try
        {
            var disks = new List<DiskConfig>(arriving.Config.Disks.Count);
            foreach (var disk in arriving.Config.Disks)
            {
                if (!arriving.OwnDisks.TryGetValue(disk.Id, out var size))
                {
                    disks.Add(disk);
                    continue;
                }

                made.Add(World.MakeVolume(World.RequirePool(null, node, "target.pool"), $"{arriving.Id}-{disk.Id}", size.SizeBytes, disk.Thin, size.WrittenBytes, null, null));
                disks.Add(disk with { Volume = made[^1], Pool = null });
            }

            return disks;
        }
        catch (HypervisorException)
        {
            made.ForEach(World.RemoveVolume);
            throw;
        }
    }

    /// <summary>All of an instance that goes over.</summary>
    private sealed record Arriving(
        InstanceId Id, Incarnation Incarnation, InstanceConfig Config, DateTimeOffset CreatedAt, InstanceId? ClonedFrom, long Revision, bool Runs, bool IsGuestUp, GuestNode? Files,
        IReadOnlyDictionary<DeviceId, (long SizeBytes, long WrittenBytes)> OwnDisks);
}
