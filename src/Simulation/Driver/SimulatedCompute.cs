using System.Globalization;
using System.Text;
using Hypervisor.Sdk.Simulation.Calls;
using Hypervisor.Sdk.Simulation.Changes;
using Hypervisor.Sdk.Simulation.Works;
using Hypervisor.Sdk.Simulation.Worlds;

namespace Hypervisor.Sdk.Simulation.Driver;

/// <summary>What virtual machines and containers have in common; see the other parts for starting, stopping and changing.</summary>
internal abstract partial class SimulatedCompute(SimulationClient client, InstanceKind kind) : ICompute
{
    protected World World { get; } = client.World;

    protected SimulationClient Client { get; } = client;

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
        return EnterAsync<Operation>(WorkKinds.Delete, id, request, stopFirst ? "stopFirst" : null, async () =>
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
                }, cancellationToken: cancellationToken).ConfigureAwait(false));
    }

    public Task<Subscription> WatchAsync(WatchOptions? options = null, CancellationToken cancellationToken = default)
    {
        options ??= new WatchOptions();
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Capacity, 1);
        cancellationToken.ThrowIfCancellationRequested();
        return World.Calls.EnterAsync(Client, "watch", "", null, () => Task.FromResult<Subscription>(World.Events.Subscribe(options, Kind)));
    }

    /// <summary>Makes a call about an instance.</summary>
    protected Task<T> EnterAsync<T>(string action, InstanceId id, RequestOptions? request, string? arguments, Func<Task<T>> body)
    {
        if (id.IsDefault)
            throw new ArgumentException("An instance id is needed.", nameof(id));
        return World.Calls.EnterAsync(Client, action, id.ToString(), () => Text(request, arguments), body);
    }

    /// <summary>What a caller said, for the trace: his request by its number, and the rest.</summary>
    protected string Text(RequestOptions? request, string? arguments)
    {
        var text = new StringBuilder(World.Works.NameOf(request?.RequestId));
        if (request?.IfRevision is { } revision)
            text.Append(CultureInfo.InvariantCulture, $" ifRevision={revision}");
        if (request?.IfIncarnation is { } incarnation)
            text.Append(CultureInfo.InvariantCulture, $" ifIncarnation={incarnation}");
        if (request?.FencingToken is { } token)
            text.Append(CultureInfo.InvariantCulture, $" fence={token}");
        if (request?.Deadline is { } deadline)
            text.Append(CultureInfo.InvariantCulture, $" deadline={deadline.Ticks}");
        if (arguments is not null)
            text.Append(' ').Append(arguments);
        return text.ToString();
    }

    protected HypervisorException InvalidState(SimInstance instance, string why) => World.Refused(ErrorCode.InvalidState, $"'{instance.Name}' {why}.", instance.Text);

    private void RefuseWhileLinked(SimInstance instance, string what)
    {
        if (instance.LinkedClones > 0)
            throw InvalidState(instance, $"has {instance.LinkedClones} linked clones that need its disks and cannot be {what}: delete them first");
    }

    /// <summary>The deletion of an instance that has gone since.</summary>
    private Operation<bool>? Deleted(RequestOptions? request, InstanceId id) =>
        request?.RequestId is { } requestId && World.Works.Find(requestId) is Work<bool> { Kind: WorkKinds.Delete } seen && seen.InstanceId == id ? new SimulatedOperation<bool>(seen) : null;
}
