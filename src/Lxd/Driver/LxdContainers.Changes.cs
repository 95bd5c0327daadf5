using System.Globalization;
using Hypervisor.Sdk.Drivers;

namespace Hypervisor.Sdk.Lxd.Driver;

/// <content>Changing containers: what the change does not mention stays as it is, whoever wrote it. The server compares (If-Match) that it changes what was looked at.</content>
internal sealed partial class LxdContainers
{
    public async Task<ChangePlan> PlanAsync(InstanceId id, InstanceChange change, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(change);
        return Plan(await work.RequireAsync(id, cancellationToken).ConfigureAwait(false), change);
    }

    public async Task<Operation<Instance>> ApplyAsync(ChangePlan plan, ApplyOptions? options = null, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(plan);
        if (plan.Instance.Id.IsDefault)
            throw new ArgumentException("A plan names an instance.", nameof(plan));
        var wanted = plan.Change;
        return await work.ChangeAsync(
            WorkKinds.Apply, plan.Instance.Id, request, facts => SimplePlan.Refuse(plan, Plan(facts, wanted), options),
            async (change, token) =>
            {
                var steps = Plan(change.Before, wanted).Steps;
                if (steps.Count == 0)
                {
                    await change.EndAsync(token).ConfigureAwait(false);
                    return;
                }

                // What the request leaves comes with what it asks for, in one step of the server's. A description that is not mentioned, both servers clear.
                var config = ConfigOf(wanted);
                if (change.Request is { } id)
                    new RequestRecord(WorkKinds.Apply, true, null).Write(change.Before, id, config);
                using var told = parts.News.Expect(change.Id, "instance-updated");
                var body = new LxdInstancePut { Config = config, Description = wanted.Description.IsSet ? wanted.Description.Value ?? "" : change.Before.Own.Description };
                await parts.Client.InstancePatchAsync(change.Id.ToString(), body, new LxdCall { IfMatch = change.Before.Tag }, token).ConfigureAwait(false);
                await told.ToldAsync(token).ConfigureAwait(false);
            }, cancellationToken).ConfigureAwait(false);
    }

    private ChangePlan Plan(ContainerFacts facts, InstanceChange change) => new() { Instance = new InstanceRef(parts.Name, facts.Id), BasedOn = facts.View.Revision, Change = change, Steps = [.. Steps(facts, change)] };

    private static IEnumerable<PlannedStep> Steps(ContainerFacts facts, InstanceChange change)
    {
        var view = facts.View;
        foreach (var (key, value) in change.Labels)
        {
            if (!key.StartsWith("hvsdk.", StringComparison.Ordinal))
                ContainerRules.RefuseLabel(key, value);
        }

        ContainerRules.RefuseLimits(change.CpuLimit.IsSet ? change.CpuLimit.Value : null, change.MemoryLimit.IsSet ? change.MemoryLimit.Value : null);
        foreach (var step in SimplePlan.Steps(view, change, ContainerRules.Naming))
            yield return step.Property == "name" ? new PlannedStep { Property = step.Property, From = step.From, To = step.To, Impossible = LxdCapabilities.NoRename } : step;
        foreach (var step in SimplePlan.Impossible(change, LxdCapabilities.NotInChange).Where(step => step.Property is not ("cpuLimit" or "memoryLimit")))
            yield return step;
        if (change.CpuLimit.IsSet && change.CpuLimit.Value != view.Cpus)
            yield return new PlannedStep { Property = "cpuLimit", From = view.Cpus?.ToString(CultureInfo.InvariantCulture), To = change.CpuLimit.Value?.ToString(CultureInfo.InvariantCulture), Effects = ChangeEffects.Live };
        if (change.MemoryLimit.IsSet && change.MemoryLimit.Value != view.Memory)
            yield return new PlannedStep { Property = "memoryLimit", From = view.Memory?.ToString(), To = change.MemoryLimit.Value?.ToString(), Effects = ChangeEffects.Live };
    }

    /// <summary>The keys that a change sets; an empty value takes a key away.</summary>
    private static Dictionary<string, string> ConfigOf(InstanceChange change)
    {
        var config = change.Labels.ToDictionary(label => ContainerRules.UserPrefix + label.Key, label => label.Value ?? "");
        if (change.CpuLimit.IsSet)
            config[ContainerRules.CpuShare] = change.CpuLimit.Value is { } cpus ? ContainerRules.ShareOf(cpus) : "";
        if (change.MemoryLimit.IsSet)
            config[ContainerRules.Memory] = change.MemoryLimit.Value is { } memory ? ContainerRules.BytesText(memory) : "";
        return config;
    }
}
