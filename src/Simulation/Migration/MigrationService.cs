using System.Globalization;
using System.Text;
using Hypervisor.Sdk.Simulation.Calls;
using Hypervisor.Sdk.Simulation.Driver;
using Hypervisor.Sdk.Simulation.Works;
using Hypervisor.Sdk.Simulation.Worlds;

namespace Hypervisor.Sdk.Simulation.Migration;

/// <summary>
/// Moves instances between nodes. A running guest is copied in rounds: while one round is sent, the guest writes to memory that has to be sent again. When what is left can be sent within the downtime that was allowed, the
/// guest stands still for that long and goes on at the other node; a guest that writes faster than the link carries never gets there, until it is cancelled or its deadline passes.
/// </summary>
internal sealed partial class MigrationService(SimulationClient client) : FeatureService(client), IMigration
{
    /// <summary>A round shorter than this is not worth telling of; it bounds how often a guest that writes too fast is looked at.</summary>
    private static readonly TimeSpan s_shortestRound = TimeSpan.FromMilliseconds(50);

    private const string NoPostCopy = "Guests do not move by post-copy here.";

    public async Task<MigrationCheck> CheckAsync(InstanceId id, MigrationTarget target, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(target);
        cancellationToken.ThrowIfCancellationRequested();
        var (there, problem) = await FindAsync(target, cancellationToken).ConfigureAwait(true);
        return await EnterAsync("check-migration", id, null, CallText.Json(World, target), async () =>
        {
            var instance = World.Require(id);
            var obstacles = await ObstaclesAsync(instance, target, there, problem).ConfigureAwait(false);
            return new MigrationCheck { Obstacles = [.. obstacles.Concat(OwnObstacles(instance, target, there, withStorage: true))], PostCopyObstacles = [NoPostCopy] };
        }).ConfigureAwait(true);
    }

    public async Task<Operation<Instance>> MigrateAsync(InstanceId id, MigrationTarget target, MigrationOptions? options = null, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(target);
        options ??= new MigrationOptions();
        if (options.MaxDowntime < TimeSpan.Zero || options.MaxBandwidthPerSecond is { Bytes: 0 })
            throw new ArgumentException("A downtime is not negative, and a bandwidth is more than zero.", nameof(options));
        string? arguments = World.Options.TraceCalls ? $"{Encoding.UTF8.GetString(ModelJson.Default.Write(target))} {Encoding.UTF8.GetString(ModelJson.Default.Write(options))}" : null;
        var (there, problem) = await FindAsync(target, cancellationToken).ConfigureAwait(true);
        return await EnterAsync(WorkKinds.Migrate, id, request, arguments, async token =>
        {
            var thereObstacles = World.Find(id) is { } now ? await ObstaclesAsync(now, target, there, problem).ConfigureAwait(false) : [];
            return await World.Works.BeginAsync<Instance>(
                WorkKinds.Migrate, id, null, request,
                instance =>
                {
                    var obstacles = thereObstacles.Concat(OwnObstacles(instance, target, there, options.WithStorage)).ToList();
                    if (options.PostCopyAfter is not null)
                        obstacles.Add(NoPostCopy);
                    if (obstacles.Count > 0)
                        throw InvalidState(instance, $"cannot be moved: {string.Join(" ", obstacles).TrimEnd('.')}");
                },
                async (work, instance) =>
                {
                    if (there is not null)
                        return await MoveAwayAsync(work, instance, there, target, options).ConfigureAwait(false);
                    await RunAsync(work, instance, target, options).ConfigureAwait(false);
                    return instance.View;
                }, canCancel: true, cancellationToken: token).ConfigureAwait(false);
        }, cancellationToken).ConfigureAwait(true);
    }

    /// <summary>What stands in the way here.</summary>
    private IEnumerable<string> OwnObstacles(SimInstance instance, MigrationTarget target, MigrationService? there, bool withStorage)
    {
        if (target.Backend is { } backend && backend != World.Name)
            return there is null ? [] : ObstaclesToLeave(instance, withStorage);
        return World.Personality.HasNodes ? Obstacles(instance, target, withStorage) : [target.Backend is { } here ? $"It is at '{here}' already." : "A move goes to another backend: this one is one node without pools."];
    }

    private IEnumerable<string> Obstacles(SimInstance instance, MigrationTarget target, bool withStorage)
    {
        if (target.Node is null && target.Pool is null)
            yield return "Neither a node nor a pool is named.";
        if (target.Pool is { } poolName && !World.Pools.ContainsKey(poolName.ToString()))
            yield return $"There is no pool '{poolName}'.";
        if (target.Node is not { } name)
            yield break;
        if (!World.Nodes.TryGetValue(name.ToString(), out var node))
        {
            yield return $"There is no node '{name}'.";
            yield break;
        }

        if (node == instance.Node && target.Pool is null)
            yield return $"It is on the node '{name}' already.";
        if (!node.IsReachable)
            yield return $"The node '{name}' does not answer.";
        if (!node.Runs(instance.Config.Architecture))
            yield return $"The node '{name}' does not run '{instance.Config.Architecture}'.";
        if (instance.IsUp && node != instance.Node && instance.HeldMemoryBytes > node.MemoryBytes - node.UsedMemoryBytes)
            yield return $"The node '{name}' has {new ByteSize(Math.Max(0, node.MemoryBytes - node.UsedMemoryBytes))} of memory left; it needs {new ByteSize(instance.HeldMemoryBytes)}.";
        if (instance.Config.HasPassthrough)
            yield return "It has devices of its node.";
        foreach (var disk in instance.Config.Disks)
        {
            if (disk.Volume is { } volume && volume.Pool.Node is { } local && local != node.Name && !(withStorage && disk.IsOwn))
                yield return $"The disk '{disk.Id}' is on '{volume.Pool.Text}', which only the node '{local}' reaches: move it too.";
        }
    }

    private async Task RunAsync(Work work, SimInstance instance, MigrationTarget target, MigrationOptions options)
    {
        var source = instance.Node;
        var node = target.Node is { } name ? World.Nodes[name.ToString()] : source;
        bool runs = instance.State == PowerState.Running;
        long reserved = instance.IsUp && node != source ? instance.HeldMemoryBytes : 0;
        work.OtherNode = node;
        node.UsedMemoryBytes += reserved;
        source.Migrations++;
        node.Migrations++;
        var made = new List<(SimVolume From, SimVolume To)>();
        try
        {
            await work.Take(World.Draw(World.Options.Durations.Migration, "migration"), "agreeing with the other node", 0);
            await CopyDisksAsync(work, instance, node, target.Pool, made).ConfigureAwait(false);
            if (node != source && instance.IsUp)
                await CopyMemoryAsync(work, instance, node, options, runs && options.Live).ConfigureAwait(false);
            await work.Take(World.Draw(World.Options.Durations.Migration, "migration"), "taking over");
        }
        catch (HypervisorException)
        {
            node.UsedMemoryBytes -= reserved;
            made.ForEach(pair => World.RemoveVolume(pair.To));
            // On any failure it runs on where it was.
            if (runs && instance.State == PowerState.Paused)
                Switch(instance, PowerState.Running);
            throw;
        }
        finally
        {
            source.Migrations--;
            node.Migrations--;
        }

        Move(instance, node, reserved, made);
        if (runs && instance.State == PowerState.Paused)
            Switch(instance, PowerState.Running);
    }

    private async Task CopyMemoryAsync(Work work, SimInstance instance, SimNode node, MigrationOptions options, bool isLive)
    {
        long memory = instance.Config.MemoryBytes;
        double remaining = memory;
        if (!isLive && instance.State == PowerState.Running)
            Switch(instance, PowerState.Paused);
        double dirtyBytesPerSecond = instance.State == PowerState.Running ? memory * World.Options.Guests.DirtyShare : 0;
        for (int round = 1; ; round++)
        {
            double bandwidth = Bandwidth(instance.Node, node, options);
            var time = TimeSpan.FromSeconds(remaining / bandwidth);
            bool isLast = instance.State != PowerState.Running || time <= options.MaxDowntime;
            World.Note("migrate", instance.Text, string.Create(CultureInfo.InvariantCulture, $"round={round} remaining={(long)remaining} bandwidth={(long)bandwidth}{(isLast ? $" downtime={time.Ticks}" : "")}"));
            if (isLast && instance.State == PowerState.Running)
                Switch(instance, PowerState.Paused);
            await work.Take(!isLast && time < s_shortestRound ? s_shortestRound : time, string.Create(CultureInfo.InvariantCulture, $"memory, round {round}"), Math.Clamp(1 - (remaining / memory), 0, 0.99));
            if (isLast)
                return;
            remaining = Math.Min(memory, dirtyBytesPerSecond * time.TotalSeconds);
        }
    }

    private async Task CopyDisksAsync(Work work, SimInstance instance, SimNode node, PoolName? wanted, List<(SimVolume From, SimVolume To)> made)
    {
        foreach (var disk in instance.Config.Disks)
        {
            if (disk.Volume is not { } volume || !disk.IsOwn || (wanted is null && (volume.Pool.Node is null || volume.Pool.Node == node.Name)) || volume.Pool.Name == wanted)
                continue;
            var pool = World.RequirePool(wanted, node, "target.pool");
            var copy = World.MakeVolume(pool, null, volume.SizeBytes, disk.Thin, volume.WrittenBytes, instance, null);
            made.Add((volume, copy));
            var time = pool.TimeFor(volume.WrittenBytes);
            var wire = TimeSpan.FromSeconds(volume.WrittenBytes / (double)node.BandwidthBytes);
            await work.Take(time > wire ? time : wire, $"disk {disk.Id}");
        }
    }

    private void Move(SimInstance instance, SimNode node, long reserved, List<(SimVolume From, SimVolume To)> made)
    {
        var source = instance.Node;
        if (node != source)
        {
            // What was reserved at the other node is its own there from now on.
            if (instance.IsUp)
                source.UsedMemoryBytes -= instance.HeldMemoryBytes;
            else
                node.UsedMemoryBytes -= reserved;
            source.AssignedMemoryBytes -= instance.Config.FootprintBytes;
            node.AssignedMemoryBytes += instance.Config.FootprintBytes;
            instance.Node = node;
        }

        World.Note("moved", instance.Text, $"{source.Text}>{node.Text}");
        if (made.Count > 0)
        {
            var config = instance.Config with { Disks = [.. instance.Config.Disks.Select(disk => made.Find(pair => pair.From == disk.Volume) is { To: { } copy } ? disk with { Volume = copy } : disk)] };
            made.ForEach(pair => World.RemoveVolume(pair.From));
            World.Save(instance, config);
            return;
        }

        instance.Touch();
        World.Events.Changed(instance);
    }

    private void Switch(SimInstance instance, PowerState to)
    {
        World.SetState(instance, to, "It is being moved.");
        World.GuestOf(instance).SetPaused(to == PowerState.Paused);
    }

    private static double Bandwidth(SimNode source, SimNode target, MigrationOptions options)
    {
        double shared = Math.Min(source.BandwidthBytes / (double)Math.Max(1, source.Migrations), target.BandwidthBytes / (double)Math.Max(1, target.Migrations));
        return options.MaxBandwidthPerSecond is { } limit ? Math.Min(limit.Bytes, shared) : shared;
    }
}
