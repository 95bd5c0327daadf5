namespace Hypervisor.Sdk.Qemu.Changes;

/// <summary>What the journal keeps of an apply. Every step moves the revision by one: so the configuration tells how many were done.</summary>
internal sealed record ApplyIntent
{
    /// <summary>The revision before the first step.</summary>
    public required long BasedOn { get; init; }

    public required IReadOnlyList<ChangeStep> Steps { get; init; }
}
