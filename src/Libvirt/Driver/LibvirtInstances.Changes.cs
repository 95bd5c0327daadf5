using Hypervisor.Sdk.Drivers;
using Hypervisor.Sdk.Libvirt.Protocol;
using Hypervisor.Sdk.Libvirt.Xml;

namespace Hypervisor.Sdk.Libvirt.Driver;

/// <content>Changing machines: what the change does not mention stays in the domain's document as it is, whoever wrote it.</content>
internal abstract partial class LibvirtInstances
{
    public async Task<ChangePlan> PlanAsync(InstanceId id, InstanceChange change, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(change);
        var facts = await parts.Work.RequireAsync(id, cancellationToken).ConfigureAwait(false);
        var copy = SpecCopy.Of(change);
        bool isTaken = await IsTakenAsync(facts, copy, cancellationToken).ConfigureAwait(false);
        return Plan(facts, change, isTaken);
    }

    public async Task<Operation<Instance>> ApplyAsync(ChangePlan plan, ApplyOptions? options = null, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(plan);
        if (plan.Instance.Id.IsDefault)
            throw new ArgumentException("A plan names an instance.", nameof(plan));
        var wanted = SpecCopy.Of(plan.Change);
        return await parts.Work.ChangeAsync(
            WorkKinds.Apply, plan.Instance.Id, request, facts => SimplePlan.Refuse(plan, Plan(facts, wanted, false), options),
            async (change, token) =>
            {
                if (await IsTakenAsync(change.Before, wanted, token).ConfigureAwait(false))
                    throw Refusal.NameTaken(wanted.Name.Value.ToString());
                if (Plan(change.Before, wanted, false).Steps.Count == 0)
                    await change.EndAsync(token).ConfigureAwait(false);
                else
                    await new DomainChanger(parts, change, wanted).ApplyAsync(token).ConfigureAwait(false);
            }, cancellationToken).ConfigureAwait(false);
    }

    private ChangePlan Plan(DomainFacts facts, InstanceChange change, bool isTaken) => new()
    {
        Instance = new InstanceRef(parts.Name, facts.Id), BasedOn = facts.View.Revision, Change = change, Steps = ChangePlanner.Steps(parts, facts, change, isTaken),
    };

    private async Task<bool> IsTakenAsync(DomainFacts facts, InstanceChange change, CancellationToken cancellationToken) =>
        change.Name.IsSet && change.Name.Value.ToString() is var name && name != facts.View.Name && parts.Naming.Accepts(name, out _)
        && await parts.Domains.FindByNameAsync(name, cancellationToken).ConfigureAwait(false) is { } other && other.Uuid != facts.Domain.Uuid;
}
