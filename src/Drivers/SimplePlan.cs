namespace Hypervisor.Sdk.Drivers;

/// <summary>Plans of names, descriptions and labels: what most backends change at once, without the guest noticing. What else a change asks for, the driver plans itself or calls impossible.</summary>
public static class SimplePlan
{
    /// <summary>The steps to another name, description and other labels; none for what is so already.</summary>
    /// <param name="instance">As it is now.</param>
    /// <param name="change">What is asked for.</param>
    /// <param name="naming">The backend's rules.</param>
    /// <param name="isTaken">Whether another instance has a name; null where names need not be unique.</param>
    /// <exception cref="HypervisorException">A name or a label is not acceptable (<see cref="ErrorCode.InvalidArgument"/>).</exception>
    public static IReadOnlyList<PlannedStep> Steps(Instance instance, InstanceChange change, NamingRules naming, Func<string, bool>? isTaken = null)
    {
        ArgumentNullException.ThrowIfNull(instance);
        ArgumentNullException.ThrowIfNull(change);
        var steps = new List<PlannedStep>();
        Refusal.BadNames(naming, change.Name.IsSet ? change.Name.Value : InstanceName.Parse("unchanged"), change.Labels.Keys);
        if (change.Name.IsSet && change.Name.Value.ToString() is var name && name != instance.Name)
        {
            if (isTaken?.Invoke(name) ?? false)
                throw Refusal.NameTaken(name);
            steps.Add(new PlannedStep { Property = "name", From = instance.Name, To = name, Effects = ChangeEffects.Live });
        }

        if (change.Description.IsSet && change.Description.Value != instance.Description)
            steps.Add(new PlannedStep { Property = "description", From = instance.Description, To = change.Description.Value, Effects = ChangeEffects.Live });
        steps.AddRange(from label in change.Labels.OrderBy(label => label.Key, StringComparer.Ordinal)
            let before = instance.Labels.GetValueOrDefault(label.Key)
            where before != label.Value
            select new PlannedStep { Property = $"label:{label.Key}", From = before, To = label.Value, Effects = ChangeEffects.Live });
        return steps;
    }

    /// <summary>The steps that say that something cannot be done, for every other thing that a change mentions.</summary>
    /// <param name="change">What is asked for.</param>
    /// <param name="why">Why not.</param>
    public static IEnumerable<PlannedStep> Impossible(InstanceChange change, string why)
    {
        ArgumentNullException.ThrowIfNull(change);
        IEnumerable<string> properties =
        [
            .. change.Sizing.IsSet ? ["sizing"] : Array.Empty<string>(),
            .. change.MemoryTarget.IsSet ? ["memoryTarget"] : Array.Empty<string>(),
            .. change.CpuLimit.IsSet ? ["cpuLimit"] : Array.Empty<string>(),
            .. change.MemoryLimit.IsSet ? ["memoryLimit"] : Array.Empty<string>(),
            .. change.RemoveCloudInit ? ["cloudInit"] : Array.Empty<string>(),
            .. change.AddDisks.Select(_ => "disk"),
            .. change.AddMounts.Select(_ => "mount"),
            .. change.ResizeDisks.Keys.Select(disk => $"disk:{disk}"),
            .. change.LimitDisks.Keys.Select(disk => $"disk:{disk}.limits"),
            .. change.ChangeMedia.Keys.Select(disk => $"disk:{disk}.image"),
            .. change.RemoveDevices.Select(device => $"device:{device}"),
            .. change.AddNetworks.Select(_ => "network"),
        ];
        return properties.Select(property => new PlannedStep { Property = property, Impossible = why });
    }

    /// <summary>Refuses to apply a plan that is stale, impossible, or has an effect that was not accepted.</summary>
    /// <param name="plan">As the caller has it.</param>
    /// <param name="again">The same plan, made anew.</param>
    /// <param name="options">What the caller accepts; live effects when null.</param>
    /// <exception cref="HypervisorException">See <see cref="ICompute.ApplyAsync"/>.</exception>
    public static void Refuse(ChangePlan plan, ChangePlan again, ApplyOptions? options)
    {
        ArgumentNullException.ThrowIfNull(plan);
        ArgumentNullException.ThrowIfNull(again);
        var id = again.Instance.Id;
        if (plan.BasedOn != again.BasedOn)
            throw Refusal.Conflict(id, $"'{id}' was not changed: the plan was made for revision {plan.BasedOn}, and it is at {again.BasedOn}. Plan again.");
        if (again.Steps.FirstOrDefault(step => step.Impossible is not null) is { } impossible)
            throw new HypervisorException($"'{id}' was not changed: {impossible.Property}: {impossible.Impossible}", ErrorCode.Unsupported, RequestOutcome.Rejected) { Resource = $"instance {id}" };
        var refused = again.Effects & ~(options ?? new ApplyOptions()).Accept;
        if (refused != ChangeEffects.None)
            throw new HypervisorException($"'{id}' was not changed: the effects {refused} were not accepted.", ErrorCode.InvalidArgument, RequestOutcome.Rejected) { Resource = $"instance {id}" };
    }
}
