using System.Text;
using Hypervisor.Sdk.Simulation.Changes;
using Hypervisor.Sdk.Simulation.Works;
using Hypervisor.Sdk.Simulation.Worlds;

namespace Hypervisor.Sdk.Simulation.Driver;

/// <content>Planning and applying.</content>
internal abstract partial class SimulatedCompute
{
    public Task<ChangePlan> PlanAsync(InstanceId id, InstanceChange change, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(change);
        cancellationToken.ThrowIfCancellationRequested();
        return EnterAsync("plan", id, null, World.Options.TraceCalls ? Encoding.UTF8.GetString(ModelJson.Default.Write(change)) : null, () =>
        {
            var instance = World.Require(id, Kind);
            return Task.FromResult(new ChangePlan
            {
                Instance = new InstanceRef(World.Name, id),
                BasedOn = World.RevisionOf(instance.Revision),
                Change = change,
                Steps = [.. ChangePlanner.Plan(World, instance, change).Select(static step => step.ToPlanned())],
            });
        });
    }

    public Task<Operation<Instance>> ApplyAsync(ChangePlan plan, ApplyOptions? options = null, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(plan);
        if (plan.Instance.Backend != World.Name)
            throw new ArgumentException($"The plan is for '{plan.Instance}', which is not an instance of the backend '{World.Name}'.", nameof(plan));
        options ??= new ApplyOptions();
        IReadOnlyList<ChangeStep> steps = [];
        string? arguments = World.Options.TraceCalls ? $"accept={(int)options.Accept} basedOn={plan.BasedOn} {Encoding.UTF8.GetString(ModelJson.Default.Write(plan.Change))}" : null;
        return EnterAsync(WorkKinds.Apply, plan.Instance.Id, request, arguments, token => World.Works.BeginAsync<Instance>(
            WorkKinds.Apply, plan.Instance.Id, Kind, request,
            instance => steps = Accept(instance, plan, options),
            async (work, instance) =>
            {
                await ChangeApplier.RunAsync(work, instance, steps).ConfigureAwait(false);
                return instance.View;
            }, canCancel: true, cancellationToken: token), cancellationToken);
    }

    /// <summary>Plans anew, and refuses what the plan or the options do not cover.</summary>
    private IReadOnlyList<ChangeStep> Accept(SimInstance instance, ChangePlan plan, ApplyOptions options)
    {
        if (plan.BasedOn != World.RevisionOf(instance.Revision))
            throw Refused(instance, ErrorCode.Conflict, $"the plan was made for the revision {plan.BasedOn} of its configuration, which is at {instance.Revision} now. Plan again");
        var steps = ChangePlanner.Plan(World, instance, plan.Change);
        if (steps.FirstOrDefault(static step => step.Impossible is not null) is { } impossible)
            throw Refused(instance, ErrorCode.Unsupported, $"{impossible} is not possible. {impossible.Impossible!.TrimEnd('.')}");
        if (steps.FirstOrDefault(step => (step.Effects & ~options.Accept) != 0) is { } unaccepted)
            throw Refused(instance, ErrorCode.InvalidArgument, $"{unaccepted} has the effect {unaccepted.Effects & ~options.Accept}, which was not accepted");
        return steps;
    }

    private HypervisorException Refused(SimInstance instance, ErrorCode code, string why) => World.Refused(code, $"'{instance.Name}' was not changed: {why}.", instance.Text);
}
