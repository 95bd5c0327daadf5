namespace Hypervisor.Sdk.Qemu;

/// <summary>How one kind of host runs one kind of guest.</summary>
/// <param name="Host">The host's architecture.</param>
/// <param name="Guest">The guest's.</param>
public sealed record EmulationAnswer(Architecture Host, Architecture Guest)
{
    /// <summary>How.</summary>
    public required EmulationMode Mode { get; init; }

    /// <summary>Why so; why not, where it is impossible.</summary>
    public required string Reason { get; init; }
}
