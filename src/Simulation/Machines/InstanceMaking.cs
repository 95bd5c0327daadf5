using Hypervisor.Sdk.Simulation.Guests;
using Hypervisor.Sdk.Simulation.Works;
using Hypervisor.Sdk.Simulation.Worlds;

namespace Hypervisor.Sdk.Simulation.Machines;

/// <summary>Makes an instance from a configuration that was checked: creating from a spec and cloning are both this.</summary>
internal static class InstanceMaking
{
    /// <summary>Begins: name and id are the new instance's own from now on, its disks are made, and it is there when the work has ended.</summary>
    /// <param name="world">The world.</param>
    /// <param name="kind">A word of <see cref="WorkKinds"/>.</param>
    /// <param name="config">What it will be; disks without a volume are made.</param>
    /// <param name="node">Where.</param>
    /// <param name="source">What it is cloned from.</param>
    /// <param name="request">What the caller says about the call.</param>
    /// <param name="requestId">The request.</param>
    /// <param name="duration">How long it takes beside copying.</param>
    /// <param name="ended">Is told when the work has ended.</param>
    /// <param name="isLinked">Whether it needs the source's disks.</param>
    /// <param name="files">What is on its disks, as far as the guest has files.</param>
    public static Operation<Instance> Begin(
        World world, string kind, InstanceConfig config, SimNode node, SimInstance? source, RequestOptions? request, RequestId requestId, SimulatedDuration duration, Action? ended = null, bool isLinked = false, GuestNode? files = null)
    {
        world.RequirePlace(node);
        world.ClaimName(config.Name);
        if (config.Networks.Count > 0)
            config = config with { Networks = [.. config.Networks.Select(world.Join)] };
        long number = world.NextNumber();
        var id = world.ClaimId(config.Name);
        var instance = new SimInstance
        {
            Number = number,
            Id = id,
            Incarnation = world.NextIncarnation(),
            Config = config,
            Node = node,
            ShowsNode = world.Personality.HasNodes,
            CreatedAt = world.Clock.GetUtcNow(),
            ClonedFrom = source?.Id,
            LinkedTo = isLinked ? source : null,
        };
        // Its memory is spoken for from now on: what is made beside it goes where there is more.
        node.AssignedMemoryBytes += config.FootprintBytes;
        return world.Works.Begin<Instance>(
            kind, request, requestId,
            work =>
            {
                work.Instance = instance;
                work.InstanceId = id;
            },
            work => MakeAsync(world, work, instance, duration, files), canCancel: true, ended);
    }

    private static async Task<Instance> MakeAsync(World world, Work work, SimInstance instance, SimulatedDuration duration, GuestNode? files)
    {
        var made = new List<SimVolume>();
        bool hasPlace = false;
        try
        {
            await world.TakePlaceAsync(instance.Node, work).ConfigureAwait(false);
            hasPlace = true;
            await work.Take(world.Draw(duration, work.Kind), "making");
            await MakeDisksAsync(world, work, instance, made).ConfigureAwait(false);
            world.RequireReachable(instance.Node, instance.Text);
        }
        catch (HypervisorException error)
        {
            made.ForEach(world.RemoveVolume);
            instance.Node.AssignedMemoryBytes -= instance.Config.FootprintBytes;
            world.ReleaseName(instance.Name);
            world.ReleaseId(instance.Id);
            // Nothing is left of it.
            throw error.Outcome == RequestOutcome.FailedMidway ? world.Error(error.Code, RequestOutcome.Rejected, $"{error.Message} Nothing is left of it.", instance.Text) : error;
        }
        finally
        {
            if (hasPlace)
                World.GivePlace(instance.Node);
        }

        if (instance.LinkedTo is { } template)
            template.LinkedClones++;
        foreach (var disk in instance.Config.Disks)
        {
            if (disk.Volume is { } volume)
                volume.Owner = instance;
        }

        world.Add(instance);
        if (files is not null)
            world.PutFiles(instance, files);
        return instance.View;
    }

    private static async Task MakeDisksAsync(World world, Work work, SimInstance instance, List<SimVolume> made)
    {
        if (instance.Config.Disks.All(static disk => disk.Pool is null))
            return;
        var disks = new List<DiskConfig>(instance.Config.Disks.Count);
        foreach (var disk in instance.Config.Disks)
        {
            if (disk.Pool is null)
            {
                disks.Add(disk);
                continue;
            }

            var volume = world.MakeVolume(disk.Pool, null, disk.SizeBytes, disk.Thin, disk.ImageBytes, instance, disk.Volume);
            made.Add(volume);
            if (disk.ImageBytes > 0)
                await work.Take(disk.Pool.TimeFor(disk.ImageBytes), $"copying disk {disk.Id}");
            disks.Add(disk with { Volume = volume, Pool = null });
        }

        instance.Config = instance.Config with { Disks = disks };
    }
}
