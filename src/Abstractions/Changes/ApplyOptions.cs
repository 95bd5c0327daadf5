namespace Hypervisor.Sdk;

/// <summary>What the caller of an apply agrees to.</summary>
public sealed class ApplyOptions
{
    /// <summary>The effects that are accepted. A plan that has any other is refused before anything is done. Default <see cref="ChangeEffects.Live"/>.</summary>
    public ChangeEffects Accept { get; init; } = ChangeEffects.Live;
}
