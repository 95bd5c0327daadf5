using Hypervisor.Sdk.Simulation.Calls;
using Hypervisor.Sdk.Simulation.Works;
using Hypervisor.Sdk.Simulation.Worlds;

namespace Hypervisor.Sdk.Simulation.Driver;

/// <summary>Standing still, going on, resetting, saving to disk.</summary>
internal sealed class PowerService(SimulationClient client) : FeatureService(client), IPausing, IReset
{
    public Task<Operation<Instance>> PauseAsync(InstanceId id, RequestOptions? request = null, CancellationToken cancellationToken = default) =>
        BeginAsync(id, WorkKinds.Pause, request, [PowerState.Running, PowerState.Paused], instance =>
        {
            World.SetState(instance, PowerState.Paused);
            World.GuestOf(instance).SetPaused(true);
        }, cancellationToken);

    public Task<Operation<Instance>> ResumeAsync(InstanceId id, RequestOptions? request = null, CancellationToken cancellationToken = default) =>
        BeginAsync(id, WorkKinds.Resume, request, [PowerState.Running, PowerState.Paused], instance =>
        {
            World.SetState(instance, PowerState.Running);
            World.GuestOf(instance).SetPaused(false);
        }, cancellationToken);

    public Task<Operation<Instance>> ResetAsync(InstanceId id, RequestOptions? request = null, CancellationToken cancellationToken = default) =>
        BeginAsync(id, WorkKinds.Reset, request, [PowerState.Running, PowerState.Paused, PowerState.Crashed], instance =>
        {
            if (instance.State == PowerState.Crashed)
                World.SetState(instance, PowerState.Running);
            World.GuestOf(instance).PowerOn();
            if (instance.State == PowerState.Paused)
                World.GuestOf(instance).SetPaused(true);
        }, cancellationToken);

    private Task<Operation<Instance>> BeginAsync(InstanceId id, string kind, RequestOptions? request, PowerState[] allowed, Action<SimInstance> effect, CancellationToken cancellationToken) => EnterAsync(
        kind, id, request, null, token => World.Works.BeginAsync<Instance>(
            kind, id, null, request,
            instance =>
            {
                if (!instance.IsUp || !allowed.Contains(instance.State))
                    throw InvalidState(instance, $"is {instance.State}; to {kind} it, it must be {string.Join(" or ", allowed)}");
            },
            async (work, instance) =>
            {
                await work.Take(World.Draw(World.Options.Durations.Switch, "switch"), kind);
                effect(instance);
                return instance.View;
            }, cancellationToken: token), cancellationToken);
}
