using System.Globalization;
using Hypervisor.Sdk.Drivers;

namespace Hypervisor.Sdk.Lxd.Driver;

/// <content>Changing containers: what the change does not mention stays as it is, whoever wrote it. The server compares (If-Match) that it changes what was looked at.</content>
internal sealed partial class LxdContainers
{
    public async Task<ChangePlan> PlanAsync(InstanceId id, InstanceChange change, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(change);
        var wishes = DeviceWishes.Of(change.AddNetworks, change.AddMounts);
        var facts = await work.RequireAsync(id, cancellationToken).ConfigureAwait(false);
        await wishes.ForExistingAsync(parts.Client, facts.Own, cancellationToken).ConfigureAwait(false);
        return Plan(facts, change);
    }

    public async Task<Operation<Instance>> ApplyAsync(ChangePlan plan, ApplyOptions? options = null, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(plan);
        if (plan.Instance.Id.IsDefault)
            throw new ArgumentException("A plan names an instance.", nameof(plan));
        var wanted = plan.Change;
        var wishes = DeviceWishes.Of(wanted.AddNetworks, wanted.AddMounts);
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

                string? description = wanted.Description.IsSet ? wanted.Description.Value ?? "" : null;
                var devices = wishes.IsEmpty ? null : await wishes.ForExistingAsync(parts.Client, change.Before.Own, token).ConfigureAwait(false);
                if (wanted.RemoveDevices.Count > 0)
                    await change.ReplaceAsync([.. wanted.RemoveDevices.Select(device => device.ToString())], ConfigOf(wanted), devices, description, token).ConfigureAwait(false);
                else
                    await change.PatchAsync(ConfigOf(wanted), devices, description, token).ConfigureAwait(false);
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
        foreach (var step in SimplePlan.Impossible(change, LxdCapabilities.NotInChange).Where(step => step.Property is not ("cpuLimit" or "memoryLimit" or "network" or "mount") && !step.Property.StartsWith("device:", StringComparison.Ordinal)))
        {
            yield return step.Property switch
            {
                "disk" => new PlannedStep { Property = step.Property, Impossible = LxdCapabilities.NoDisks },
                "cloudInit" => new PlannedStep { Property = step.Property, Impossible = LxdCapabilities.CloudInitStays },
                _ => step,
            };
        }

        foreach (var mount in change.AddMounts)
            yield return new PlannedStep { Property = "mount", To = mount.Target, Effects = ChangeEffects.Live };
        foreach (var network in change.AddNetworks)
            yield return new PlannedStep { Property = "network", To = network.Network, Effects = ChangeEffects.Live };
        foreach (var id in change.RemoveDevices.Distinct())
            yield return Removal(facts, id);
        if (change.CpuLimit.IsSet && change.CpuLimit.Value != view.Cpus)
            yield return new PlannedStep { Property = "cpuLimit", From = view.Cpus?.ToString(CultureInfo.InvariantCulture), To = change.CpuLimit.Value?.ToString(CultureInfo.InvariantCulture), Effects = ChangeEffects.Live };
        if (change.MemoryLimit.IsSet && change.MemoryLimit.Value != view.Memory)
            yield return new PlannedStep { Property = "memoryLimit", From = view.Memory?.ToString(), To = change.MemoryLimit.Value?.ToString(), Effects = ChangeEffects.Live };
    }

    private static PlannedStep Removal(ContainerFacts facts, DeviceId id)
    {
        var (name, device) = DeviceRules.All(facts.Own).FirstOrDefault(device => device.Key == id.ToString());
        string? why = name is null ? $"'{facts.Id}' has no such device." : DeviceRules.IsRoot(device) ? "It has the container's own files, and goes with the container." : null;
        return new PlannedStep { Property = $"device:{id}", From = name is null ? null : device["type"], Effects = why is null ? ChangeEffects.Live : ChangeEffects.None, Impossible = why };
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
