namespace Hypervisor.Sdk.AspNetCore;

/// <summary>A plan, and the effects that the caller accepts; live ones only when it does not say.</summary>
internal sealed class ApplyRequest
{
    public required ChangePlan Plan { get; init; }

    public ChangeEffects? Accept { get; init; }
}
