using Hypervisor.Sdk.Simulation.Calls;
using Hypervisor.Sdk.Simulation.Works;
using Hypervisor.Sdk.Simulation.Worlds;

namespace Hypervisor.Sdk.Simulation.Driver;

/// <summary>What virtual machines and containers have in common; see the other parts for starting, stopping and changing.</summary>
internal abstract partial class SimulatedCompute(SimulationClient client, InstanceKind kind) : FeatureService(client), ICompute
{
    protected InstanceKind Kind { get; } = kind;

    public PagedList<Instance> List(InstanceFilter? filter = null) => new InstanceList(Client, Kind, filter);

    public Task<Instance?> FindAsync(InstanceId id, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (id.IsDefault)
            throw new ArgumentException("An instance id is needed.", nameof(id));
        return World.Calls.EnterAsync(Client, "find", id.ToString(), null, () =>
        {
            if (World.Find(id) is not { } instance || instance.Kind != Kind)
                return Task.FromResult<Instance?>(null);
            World.RequireReachable(instance.Node, instance.Text);
            return Task.FromResult<Instance?>(instance.View);
        });
    }

    public Task<Operation> DeleteAsync(InstanceId id, DeleteOptions? options = null, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        bool stopFirst = options?.StopFirst ?? false;
        return EnterAsync<Operation>(WorkKinds.Delete, id, request, stopFirst ? "stopFirst" : null, async token =>
            Deleted(request, id) ?? await World.Works.BeginAsync<bool>(
                WorkKinds.Delete, id, Kind, request,
                instance =>
                {
                    if (instance.IsUp && !stopFirst)
                        throw InvalidState(instance, $"is {instance.State}; stop it first, or ask for that with the deletion");
                    RefuseWhileLinked(instance, "deleted");
                },
                async (work, instance) =>
                {
                    await work.Take(World.Draw(World.Options.Durations.Delete, "delete"), "deleting");
                    if (instance.IsUp)
                        World.SwitchOff(instance, "It is being deleted.");
                    World.Remove(instance);
                    return true;
                }, cancellationToken: token).ConfigureAwait(false), cancellationToken);
    }

    public Task<Subscription> WatchAsync(WatchOptions? options = null, CancellationToken cancellationToken = default)
    {
        options ??= new WatchOptions();
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Capacity, 1);
        cancellationToken.ThrowIfCancellationRequested();
        return World.Calls.EnterAsync(Client, "watch", "", options.After is { } after ? () => CallText.Of(World, null, CallText.Word(after.ToString())) : null, () => Task.FromResult(Client.Keep(World.Events.Subscribe(options, Kind))));
    }

    private void RefuseWhileLinked(SimInstance instance, string what)
    {
        if (instance.LinkedClones > 0)
            throw InvalidState(instance, $"has {instance.LinkedClones} linked clones that need its disks and cannot be {what}: delete them first");
    }

    /// <summary>The deletion of an instance that has gone since.</summary>
    private Operation<bool>? Deleted(RequestOptions? request, InstanceId id) =>
        request?.RequestId is { } requestId && World.Works.Find(requestId) is Work<bool> { Kind: WorkKinds.Delete } seen && seen.InstanceId == id ? new SimulatedOperation<bool>(seen) : null;
}
