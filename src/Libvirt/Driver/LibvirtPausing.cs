using Hypervisor.Sdk.Drivers;
using Hypervisor.Sdk.Libvirt.Protocol;

namespace Hypervisor.Sdk.Libvirt.Driver;

/// <summary>Holding domains.</summary>
internal sealed class LibvirtPausing(LibvirtWork work) : IPausing
{
    public Task<Operation<Instance>> PauseAsync(InstanceId id, RequestOptions? request = null, CancellationToken cancellationToken = default) => work.ChangeAsync(
        WorkKinds.Pause, id, request, facts => Refuse(facts, "be paused", PowerState.Running, PowerState.Paused),
        (change, token) => ToAsync(change, PowerState.Paused, VirDomainEventType.Suspended, () => change.Libvirt.DomainSuspendAsync(change.Domain, token), token), cancellationToken);

    public Task<Operation<Instance>> ResumeAsync(InstanceId id, RequestOptions? request = null, CancellationToken cancellationToken = default) => work.ChangeAsync(
        WorkKinds.Resume, id, request, facts => Refuse(facts, "be resumed", PowerState.Running, PowerState.Paused),
        (change, token) => ToAsync(change, PowerState.Running, VirDomainEventType.Resumed, () => change.Libvirt.DomainResumeAsync(change.Domain, token), token), cancellationToken);

    private static async Task ToAsync(DomainChange change, PowerState wanted, VirDomainEventType type, Func<ValueTask> effect, CancellationToken cancellationToken)
    {
        if (change.Before.State != wanted)
        {
            await change.BeginAsync(cancellationToken).ConfigureAwait(false);
            await change.DoAndTellAsync(type, effect, cancellationToken).ConfigureAwait(false);
        }

        await change.EndAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Refuses what a domain cannot in its state.</summary>
    internal static void Refuse(DomainFacts facts, string what, params ReadOnlySpan<PowerState> allowed)
    {
        if (!allowed.Contains(facts.State))
            throw Refusal.InvalidState(facts.Id, $"'{facts.View.Name}' is {facts.State} and cannot {what}.");
    }
}
