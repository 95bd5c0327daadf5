using Hypervisor.Sdk.Drivers;

namespace Hypervisor.Sdk.Lxd.Driver;

/// <summary>Holding containers: their processes are frozen.</summary>
internal sealed class LxdPower(ContainerWork work) : IPausing
{
    public Task<Operation<Instance>> PauseAsync(InstanceId id, RequestOptions? request = null, CancellationToken cancellationToken = default) =>
        ToAsync(WorkKinds.Pause, "be paused", id, "freeze", PowerState.Paused, "instance-paused", request, cancellationToken);

    public Task<Operation<Instance>> ResumeAsync(InstanceId id, RequestOptions? request = null, CancellationToken cancellationToken = default) =>
        ToAsync(WorkKinds.Resume, "be resumed", id, "unfreeze", PowerState.Running, "instance-resumed", request, cancellationToken);

    private Task<Operation<Instance>> ToAsync(string kind, string what, InstanceId id, string action, PowerState wanted, string told, RequestOptions? request, CancellationToken cancellationToken) => work.ChangeAsync(
        kind, id, request,
        facts =>
        {
            if (facts.State != PowerState.Running && facts.State != PowerState.Paused)
                throw Refusal.InvalidState(facts.Id, $"'{facts.Id}' is {facts.State} and cannot {what}.");
        },
        async (change, token) =>
        {
            if (change.Before.State != wanted)
            {
                await change.BeginAsync(token).ConfigureAwait(false);
                await change.SetAsync(action, false, null, facts => facts?.State == wanted, [told], token).ConfigureAwait(false);
            }

            await change.EndAsync(token).ConfigureAwait(false);
        }, cancellationToken);
}
