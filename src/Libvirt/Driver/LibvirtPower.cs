using Hypervisor.Sdk.Drivers;
using Hypervisor.Sdk.Libvirt.Protocol;

namespace Hypervisor.Sdk.Libvirt.Driver;

/// <summary>Resetting machines, saving them to the daemon's disk.</summary>
internal sealed class LibvirtPower(LibvirtWork work) : IReset, ISuspendToDisk
{
    /// <summary>VIR_DOMAIN_SAVE_RUNNING: it runs when it is started, also where it was paused.</summary>
    private const uint SaveRunning = 2;

    public Task<Operation<Instance>> ResetAsync(InstanceId id, RequestOptions? request = null, CancellationToken cancellationToken = default) => work.ChangeAsync(
        WorkKinds.Reset, id, request, facts => LibvirtPausing.Refuse(facts, "be reset", PowerState.Running, PowerState.Paused),
        async (change, token) =>
        {
            await change.BeginAsync(token).ConfigureAwait(false);
            await change.DoAsync(change.Libvirt.DomainResetAsync(change.Domain, 0, token)).ConfigureAwait(false);
            await change.EndAsync(token).ConfigureAwait(false);
        }, cancellationToken);

    public Task<Operation<Instance>> SuspendAsync(InstanceId id, RequestOptions? request = null, CancellationToken cancellationToken = default) => work.ChangeAsync(
        WorkKinds.Suspend, id, request, RefuseSuspend,
        async (change, token) =>
        {
            await change.BeginAsync(token).ConfigureAwait(false);
            await change.DoAndTellAsync(VirDomainEventType.Stopped, () => change.Libvirt.WithTimeout(Timeout.InfiniteTimeSpan).DomainManagedSaveAsync(change.Domain, SaveRunning, token), token).ConfigureAwait(false);
            await change.EndAsync(token).ConfigureAwait(false);
        }, cancellationToken);

    private static void RefuseSuspend(DomainFacts facts)
    {
        LibvirtPausing.Refuse(facts, "be suspended", PowerState.Running, PowerState.Paused);
        if (!facts.IsPersistent)
            throw Refusal.InvalidState(facts.Id, $"'{facts.View.Name}' is not kept by the daemon when it does not run, and so cannot be suspended: define it first.");
    }
}
