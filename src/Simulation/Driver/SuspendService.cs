using Hypervisor.Sdk.Simulation.Calls;
using Hypervisor.Sdk.Simulation.Works;

namespace Hypervisor.Sdk.Simulation.Driver;

/// <summary>Saving to disk.</summary>
internal sealed class SuspendService(SimulationClient client) : FeatureService(client), ISuspendToDisk
{
    public Task<Operation<Instance>> SuspendAsync(InstanceId id, RequestOptions? request = null, CancellationToken cancellationToken = default) => EnterAsync(
        WorkKinds.Suspend, id, request, null, () => World.Works.BeginAsync<Instance>(
            WorkKinds.Suspend, id, InstanceKind.VirtualMachine, request,
            instance =>
            {
                if (instance.State != PowerState.Running && instance.State != PowerState.Paused)
                    throw InvalidState(instance, $"is {instance.State}; to save it, it must be running or paused");
            },
            async (work, instance) =>
            {
                await work.Take(World.Pools.Values.First().TimeFor(instance.Config.MemoryBytes), "saving the memory");
                instance.Guest?.PowerOff();
                instance.HasSavedMemory = true;
                World.SetState(instance, PowerState.Suspended);
                return instance.View;
            }, canCancel: true, cancellationToken: cancellationToken));
}
