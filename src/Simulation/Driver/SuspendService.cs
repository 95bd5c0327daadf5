using Hypervisor.Sdk.Simulation.Calls;
using Hypervisor.Sdk.Simulation.Works;

namespace Hypervisor.Sdk.Simulation.Driver;

/// <summary>Saving to disk.</summary>
internal sealed class SuspendService(SimulationClient client) : FeatureService(client), ISuspendToDisk
{
    public Task<Operation<Instance>> SuspendAsync(InstanceId id, RequestOptions? request = null, CancellationToken cancellationToken = default) => EnterAsync(
        WorkKinds.Suspend, id, request, null, token => World.Works.BeginAsync<Instance>(
            WorkKinds.Suspend, id, null, request,
            instance =>
            {
                if (instance.State != PowerState.Running && instance.State != PowerState.Paused)
                    throw InvalidState(instance, $"is {instance.State}; to save it, it must be running or paused");
                if (instance.Config.Container is { Flavor: ContainerFlavor.Application })
                    throw World.Refused(ErrorCode.Unsupported, $"'{instance.Name}' is one program, whose memory is not kept here: stop it.", instance.Text);
            },
            async (work, instance) =>
            {
                await work.Take(World.Pools.Values.First().TimeFor(instance.Config.FootprintBytes), "saving the memory");
                instance.Guest?.PowerOff();
                instance.HasSavedMemory = true;
                World.SetState(instance, PowerState.Suspended);
                return instance.View;
            }, canCancel: true, cancellationToken: token), cancellationToken);
}
