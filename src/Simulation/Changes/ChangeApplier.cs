using Hypervisor.Sdk.Simulation.Works;
using Hypervisor.Sdk.Simulation.Worlds;

namespace Hypervisor.Sdk.Simulation.Changes;

/// <summary>Carries out a plan step by step: what was done stays when a later step fails.</summary>
internal static class ChangeApplier
{
    public static async Task RunAsync(Work work, SimInstance instance, IReadOnlyList<ChangeStep> steps)
    {
        for (int i = 0; i < steps.Count; i++)
        {
            try
            {
                await RunAsync(work, instance, steps[i]).ConfigureAwait(false);
            }
            catch (HypervisorException error)
            {
                throw Failed(work.World, instance, steps, i, error);
            }
        }
    }

    private static async Task RunAsync(Work work, SimInstance instance, ChangeStep step)
    {
        var world = work.World;
        await work.Take(world.Draw(world.Options.Durations.ChangeStep, "change-step"), step.ToString());
        if (step.GivenUp is { } device && world.Personality.UnplugPatience is { } patience)
            await GiveUpAsync(work, instance, device, patience).ConfigureAwait(false);
        var config = step.Setting(instance.Config);
        if (step.NewName is { } name)
            Rename(world, instance, name);
        if (step.AddedDisk is { } added)
            config = await AddAsync(work, instance, config, added).ConfigureAwait(false);
        if (step.AddedNetwork is { } network)
            config = config with { Networks = [.. config.Networks.Where(other => other.Id != network.Id), world.Join(network)] };
        if (step.RemovedDisk is { } removed)
            world.ReleaseDisk(removed);
        if (step.Resized is { } resized)
            Resize(world, resized.Disk.Volume!, resized.SizeBytes);
        if (step.HeldBytes is { } held && instance.IsUp)
            World.Hold(instance, held);
        instance.HeldCpus = step.HeldCpus ?? instance.HeldCpus;
        if (step.Effects.HasFlag(ChangeEffects.AtNextStart))
            instance.HasPendingChanges = true;
        world.Save(instance, config);
    }

    /// <summary>The guest is asked, as the power button asks it: one that does not hear keeps what it has.</summary>
    private static async Task GiveUpAsync(Work work, SimInstance instance, string device, TimeSpan patience)
    {
        if (instance.State == PowerState.Running && work.World.GuestOf(instance) is { IsUp: true, IsDeaf: false })
            return;
        await work.Take(patience, $"waiting for the guest to give up {device}");
        throw work.World.Error(ErrorCode.Timeout, RequestOutcome.FailedMidway, $"The guest of '{instance.Name}' did not give up {device} within {patience.TotalSeconds:0.#} s, and has it still.", instance.Text);
    }

    private static void Rename(World world, SimInstance instance, string name)
    {
        world.ReleaseName(instance.Name);
        try
        {
            world.ClaimName(name);
        }
        catch (HypervisorException)
        {
            world.ClaimName(instance.Name);
            throw;
        }

        if (world.Personality.Ids == SimulatedIds.Name)
            world.ChangeId(instance, InstanceId.Parse(name));
    }

    private static async Task<InstanceConfig> AddAsync(Work work, SimInstance instance, InstanceConfig config, DiskConfig added)
    {
        var world = work.World;
        if (added.Pool is not { } pool)
        {
            if (added.Volume is { } existing)
                existing.Owner = instance;
            return config;
        }

        var volume = world.MakeVolume(pool, null, added.SizeBytes, added.Thin, added.ImageBytes, instance, null);
        try
        {
            if (added.ImageBytes > 0)
                await work.Take(pool.TimeFor(added.ImageBytes), $"copying disk {added.Id}");
        }
        catch (HypervisorException)
        {
            world.RemoveVolume(volume);
            throw;
        }

        return config with { Disks = [.. config.Disks.Where(disk => disk.Id != added.Id), added with { Volume = volume, Pool = null }] };
    }

    private static void Resize(World world, SimVolume volume, long sizeBytes)
    {
        long more = sizeBytes - volume.SizeBytes;
        long written = volume.Pool.WrittenBytes(more, thin: true);
        world.Fit(volume.Pool, more, written, volume.Name);
        volume.Pool.Take(more, written);
        volume.SizeBytes = sizeBytes;
        volume.WrittenBytes += written;
        volume.Revision++;
    }

    private static HypervisorException Failed(World world, SimInstance instance, IReadOnlyList<ChangeStep> steps, int done, HypervisorException error)
    {
        // Nothing was done, and nothing else was asked for: it is what it is.
        if (done == 0 && steps.Count == 1)
            return error;
        string account = $"Done: {(done == 0 ? "nothing" : string.Join("; ", steps.Take(done)))}. Not done: {string.Join("; ", steps.Skip(done))}.";
        return world.Error(error.Code, done == 0 ? error.Outcome : RequestOutcome.FailedMidway, $"{steps[done]} failed: {error.Message} {account}", instance.Text);
    }
}
