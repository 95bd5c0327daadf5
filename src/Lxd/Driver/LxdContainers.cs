using System.Runtime.CompilerServices;
using Hypervisor.Sdk.Drivers;

namespace Hypervisor.Sdk.Lxd.Driver;

/// <summary>The containers of a server: those that we have made and all others.</summary>
internal sealed partial class LxdContainers(LxdParts parts, ContainerWork work) : IContainerRuntime
{
    public PagedList<Instance> List(InstanceFilter? filter = null) => new OrderedList<Instance>(
        async token =>
        {
            work.RefuseClosed();
            return [.. (await parts.Containers.ListAsync(token).ConfigureAwait(false)).Select(facts => facts.View).Where(instance => filter?.Matches(instance) ?? true)];
        },
        instance => instance.Id.ToString(), () => parts.Events.Position);

    public async Task<Instance?> FindAsync(InstanceId id, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        work.RefuseClosed();
        return (await parts.Containers.FindAsync(id, cancellationToken).ConfigureAwait(false))?.View;
    }

    public Task<Operation<Instance>> StartAsync(InstanceId id, RequestOptions? request = null, CancellationToken cancellationToken = default) => work.ChangeAsync(
        WorkKinds.Start, id, request, ContainerPower.RefuseStart,
        async (change, token) =>
        {
            if (change.Before.State == PowerState.Stopped)
            {
                await change.BeginAsync(token).ConfigureAwait(false);
                await ContainerPower.StartAsync(change, token).ConfigureAwait(false);
            }

            await change.EndAsync(token).ConfigureAwait(false);
        }, cancellationToken);

    public Task<Operation<Instance>> StopAsync(InstanceId id, StopOptions? options = null, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        options = ContainerPower.Checked(options);
        return work.ChangeAsync(
            WorkKinds.Stop, id, request, null,
            async (change, token) =>
            {
                if (change.Before.IsActive)
                {
                    await change.BeginAsync(token).ConfigureAwait(false);
                    await ContainerPower.StopAsync(change, options, token).ConfigureAwait(false);
                }

                // An ephemeral container is gone with its end.
                if (change.Before.Own.Ephemeral is not true)
                    await change.EndAsync(token).ConfigureAwait(false);
            }, cancellationToken);
    }

    public Task<Operation<Instance>> RestartAsync(InstanceId id, StopOptions? options = null, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        options = ContainerPower.Checked(options);
        return work.ChangeAsync(
            WorkKinds.Restart, id, request, ContainerPower.RefuseEphemeral,
            async (change, token) =>
            {
                await change.BeginAsync(token).ConfigureAwait(false);
                if (change.Before.IsActive)
                    await ContainerPower.StopAsync(change, options, token).ConfigureAwait(false);
                await ContainerPower.StartAsync(change, token).ConfigureAwait(false);
                await change.EndAsync(token).ConfigureAwait(false);
            }, cancellationToken);
    }

    public async Task<Operation> DeleteAsync(InstanceId id, DeleteOptions? options = null, RequestOptions? request = null, CancellationToken cancellationToken = default) => await work.ChangeAsync<object>(
        WorkKinds.Delete, id, request,
        facts =>
        {
            if (facts.IsActive && options is not { StopFirst: true })
                throw Refusal.InvalidState(facts.Id, $"'{facts.Id}' is {facts.State}: stop it first, or ask for that with the deletion.");
        },
        async (change, token) =>
        {
            if (change.Before.IsActive)
                await ContainerPower.StopAsync(change, new StopOptions { GracePeriod = TimeSpan.Zero }, token).ConfigureAwait(false);
            if (change.Before.Own.Ephemeral is not true || !change.Before.IsActive)
                await change.DoAsync(() => change.Client.InstanceDeleteAsync(id.ToString(), cancellationToken: token), $"Deleting '{id}'", facts => facts is null, ["instance-deleted"], token).ConfigureAwait(false);
            return change;
        },
        (facts, _) => Task.FromResult<object?>(facts is null || facts.View.Incarnation != parts.Memory.EffectOf(request!.RequestId!.Value)?.Incarnation ? id : null), cancellationToken).ConfigureAwait(false);

    public Task<Subscription> WatchAsync(WatchOptions? options = null, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        work.RefuseClosed();
        return Task.FromResult(parts.Events.Subscribe(options, ObserveAsync));
    }

    private async IAsyncEnumerable<Instance> ObserveAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (var facts in await parts.Containers.ListAsync(cancellationToken).ConfigureAwait(false))
            yield return facts.View;
    }
}
