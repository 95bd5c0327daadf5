using Hypervisor.Sdk.Drivers;
using Hypervisor.Sdk.Libvirt.Protocol;

namespace Hypervisor.Sdk.Libvirt.Driver;

/// <summary>Holding domains, resetting them, saving them to the daemon's disk.</summary>
internal sealed class LibvirtPower(LibvirtWork work) : IPausing, IReset, ISuspendToDisk
{
    /// <summary>VIR_DOMAIN_SAVE_RUNNING: it runs when it is started, also where it was paused.</summary>
    private const uint SaveRunning = 2;

    public Task<Operation<Instance>> PauseAsync(InstanceId id, RequestOptions? request = null, CancellationToken cancellationToken = default) => work.ChangeAsync(
        WorkKinds.Pause, id, request, facts => Refuse(facts, "be paused", PowerState.Running, PowerState.Paused),
        (change, token) => ToAsync(change, PowerState.Paused, VirDomainEventType.Suspended, () => change.Libvirt.DomainSuspendAsync(change.Domain, token), token), cancellationToken);

    public Task<Operation<Instance>> ResumeAsync(InstanceId id, RequestOptions? request = null, CancellationToken cancellationToken = default) => work.ChangeAsync(
        WorkKinds.Resume, id, request, facts => Refuse(facts, "be resumed", PowerState.Running, PowerState.Paused),
        (change, token) => ToAsync(change, PowerState.Running, VirDomainEventType.Resumed, () => change.Libvirt.DomainResumeAsync(change.Domain, token), token), cancellationToken);

    public Task<Operation<Instance>> ResetAsync(InstanceId id, RequestOptions? request = null, CancellationToken cancellationToken = default) => work.ChangeAsync(
        WorkKinds.Reset, id, request, facts => Refuse(facts, "be reset", PowerState.Running, PowerState.Paused),
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

    private static async Task ToAsync(DomainChange change, PowerState wanted, VirDomainEventType type, Func<ValueTask> effect, CancellationToken cancellationToken)
    {
        if (change.Before.State != wanted)
        {
            await change.BeginAsync(cancellationToken).ConfigureAwait(false);
            await change.DoAndTellAsync(type, effect, cancellationToken).ConfigureAwait(false);
        }

        await change.EndAsync(cancellationToken).ConfigureAwait(false);
    }

    private static void RefuseSuspend(DomainFacts facts)
    {
        Refuse(facts, "be suspended", PowerState.Running, PowerState.Paused);
        if (!facts.IsPersistent)
            throw Refusal.InvalidState(facts.Id, $"'{facts.View.Name}' is not kept by the daemon when it does not run, and so cannot be suspended: define it first.");
    }

    private static void Refuse(DomainFacts facts, string what, params ReadOnlySpan<PowerState> allowed)
    {
        if (!allowed.Contains(facts.State))
            throw Refusal.InvalidState(facts.Id, $"'{facts.View.Name}' is {facts.State} and cannot {what}.");
    }
}
