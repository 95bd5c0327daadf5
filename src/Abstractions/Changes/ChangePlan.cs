namespace Hypervisor.Sdk;

/// <summary>What a change would do. Pure data: it crosses processes and can be shown to a person before it is applied.</summary>
public sealed class ChangePlan
{
    /// <summary>The instance.</summary>
    public required InstanceRef Instance { get; init; }

    /// <summary>The configuration that it was made for; when that has moved, applying it fails.</summary>
    public required Revision BasedOn { get; init; }

    /// <summary>What was asked for.</summary>
    public required InstanceChange Change { get; init; }

    /// <summary>What will be done, in this order. Empty when everything is so already.</summary>
    public required IReadOnlyList<PlannedStep> Steps { get; init; }

    /// <summary>The effects of all steps together.</summary>
    public ChangeEffects Effects => Steps.Aggregate(ChangeEffects.None, (effects, step) => effects | step.Effects);

    /// <summary>Whether every step can be done.</summary>
    public bool IsPossible => Steps.All(step => step.Impossible is null);
}
