using System.Globalization;
using Hypervisor.Sdk.Simulation.Works;
using Hypervisor.Sdk.Simulation.Worlds;

namespace Hypervisor.Sdk.Simulation.Driver;

/// <content>Starting and stopping.</content>
internal abstract partial class SimulatedCompute
{
    public Task<Operation<Instance>> StartAsync(InstanceId id, RequestOptions? request = null, CancellationToken cancellationToken = default) => EnterAsync(WorkKinds.Start, id, request, null, token => World.Works.BeginAsync<Instance>(
        WorkKinds.Start, id, Kind, request,
        instance =>
        {
            if (instance.IsTemplate)
                throw InvalidState(instance, "is a template: clone it, and start the clone");
            if (instance.State == PowerState.Paused)
                throw InvalidState(instance, "is paused: resume it");
        },
        async (work, instance) =>
        {
            if (instance.State != PowerState.Running)
                await BootAsync(work, instance).ConfigureAwait(false);
            return instance.View;
        }, cancellationToken: token), cancellationToken);

    public Task<Operation<Instance>> StopAsync(InstanceId id, StopOptions? options = null, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        options = Checked(options);
        return EnterAsync(WorkKinds.Stop, id, request, Text(options), token => World.Works.BeginAsync<Instance>(
            WorkKinds.Stop, id, Kind, request, static _ => { },
            async (work, instance) =>
            {
                await StopAsync(work, instance, options).ConfigureAwait(false);
                return instance.View;
            }, canCancel: true, cancellationToken: token), cancellationToken);
    }

    public Task<Operation<Instance>> RestartAsync(InstanceId id, StopOptions? options = null, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        options = Checked(options);
        return EnterAsync(WorkKinds.Restart, id, request, Text(options), token => World.Works.BeginAsync<Instance>(
            WorkKinds.Restart, id, Kind, request,
            instance =>
            {
                if (instance.IsTemplate)
                    throw InvalidState(instance, "is a template: clone it, and start the clone");
            },
            async (work, instance) =>
            {
                await StopAsync(work, instance, options).ConfigureAwait(false);
                await BootAsync(work, instance).ConfigureAwait(false);
                return instance.View;
            }, canCancel: true, cancellationToken: token), cancellationToken);
    }

    private async Task BootAsync(Work work, SimInstance instance)
    {
        // What is left of a guest that crashed makes room for the next.
        if (instance.State == PowerState.Crashed && instance.IsUp)
            World.SwitchOff(instance, null);
        World.RequireMemory(instance);
        if (instance.HasSavedMemory)
        {
            await work.Take(World.Pools.Values.First().TimeFor(instance.Config.FootprintBytes), "loading the memory");
            instance.HasSavedMemory = false;
            World.SetState(instance, PowerState.Running);
            World.GuestOf(instance).Wake();
            return;
        }

        await work.Take(World.Draw(World.Options.Durations.Start, "start"), "starting");
        World.RequireMemory(instance);
        instance.HasPendingChanges = false;
        World.SetState(instance, PowerState.Running);
        World.GuestOf(instance).PowerOn();
    }

    /// <summary>Presses the power button and waits; then, as the options say, switches off or gives up.</summary>
    private async Task StopAsync(Work work, SimInstance instance, StopOptions options)
    {
        if (!instance.IsUp)
        {
            // What was saved is thrown away: it is stopped from now on.
            instance.HasSavedMemory = false;
            World.SetState(instance, PowerState.Stopped);
            return;
        }

        // A guest whose processors stand still hears nothing.
        if (options.GracePeriod > TimeSpan.Zero && instance.State == PowerState.Running && await HasShutDownAsync(work, instance, options.GracePeriod).ConfigureAwait(false))
        {
            // One that was killed meanwhile is stopped from now on.
            World.SetState(instance, PowerState.Stopped);
            return;
        }

        if (options.GracePeriod > TimeSpan.Zero && !options.ForceAfterGrace)
            throw World.Error(ErrorCode.Timeout, RequestOutcome.FailedMidway, string.Create(CultureInfo.InvariantCulture, $"'{instance.Name}' did not shut down within {options.GracePeriod.TotalSeconds:0.#} s and runs on."), instance.Text);
        await work.Take(World.Draw(World.Options.Durations.SwitchOff, "switch-off"), "switching off");
        if (instance.IsUp)
            World.SwitchOff(instance, null);
    }

    private async Task<bool> HasShutDownAsync(Work work, SimInstance instance, TimeSpan grace)
    {
        long end = World.Loop.NowTicks + grace.Ticks;
        work.AwaitsShutdown = true;
        try
        {
            // A guest that is still booting does not hear the power button: it is pressed again after a while.
            while (instance.IsUp && World.Loop.NowTicks < end)
            {
                World.GuestOf(instance).PressPowerButton();
                await work.Take(TimeSpan.FromTicks(Math.Min(s_pressAgain.Ticks, end - World.Loop.NowTicks)), "waiting for the guest to shut down");
            }
        }
        finally
        {
            work.AwaitsShutdown = false;
        }

        return !instance.IsUp;
    }

    private static readonly TimeSpan s_pressAgain = TimeSpan.FromSeconds(3);

    private static StopOptions Checked(StopOptions? options)
    {
        options ??= new StopOptions();
        return options.GracePeriod >= TimeSpan.Zero ? options : throw new ArgumentException($"A grace period is not negative; this one is {options.GracePeriod}.", nameof(options));
    }

    private static string Text(StopOptions options) => string.Create(CultureInfo.InvariantCulture, $"grace={options.GracePeriod.Ticks} force={(options.ForceAfterGrace ? 1 : 0)}");
}
