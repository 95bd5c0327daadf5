using System.Text.Json;
using Hypervisor.Sdk.Qemu.Changes;
using Hypervisor.Sdk.Qemu.Machines;
using Hypervisor.Sdk.Qemu.State;

namespace Hypervisor.Sdk.Qemu.Driver;

internal sealed partial class QemuHypervisor
{
    private ChangeApplier Applier => field ??= new ChangeApplier(services, table, disks, specs, ClaimNameAsync);

    public async Task<ChangePlan> PlanAsync(InstanceId id, InstanceChange change, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(change);
        var (machine, config) = table.Require(id);
        var status = await table.GetStatusAsync(machine, config, cancellationToken).ConfigureAwait(false);
        var live = status.IsUp ? await table.AskAsync(machine, config, client => LiveDevices.QueryAsync(client, cancellationToken), cancellationToken).ConfigureAwait(false) : null;
        return new ChangePlan
        {
            Instance = new InstanceRef(services.Name, id),
            BasedOn = InstanceView.RevisionOf(config),
            Change = change,
            Steps = [.. Applier.Plan(config, live, change).Select(step => step.ToPlanned())],
        };
    }

    public async Task<Operation<Instance>> ApplyAsync(ChangePlan plan, ApplyOptions? options = null, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(plan);
        if (plan.Instance.Backend != services.Name)
            throw new ArgumentException($"The plan is for '{plan.Instance}', which is not an instance of the backend '{services.Name}'.", nameof(plan));
        options ??= new ApplyOptions();
        ApplyIntent? intent = null;
        return await work.BeginAsync(
            plan.Instance.Id, WorkKinds.Apply, request,
            async (change, token) =>
            {
                intent = await Applier.AcceptAsync(change, plan, options, token).ConfigureAwait(false);
                return JsonSerializer.Serialize(intent, StateJson.Default.ApplyIntent);
            },
            async (change, token) =>
            {
                await Applier.RunAsync(change, intent!, token).ConfigureAwait(false);
                return await change.ViewAsync(token).ConfigureAwait(false);
            },
            static (change, token) => change.ViewAsync(token), canCancel: true, cancellationToken: cancellationToken).ConfigureAwait(false);
    }
}
