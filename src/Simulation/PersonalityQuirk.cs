namespace Hypervisor.Sdk.Simulation;

/// <summary>Something in which a backend differs from what one would expect.</summary>
public sealed class PersonalityQuirk
{
    /// <summary>What it does.</summary>
    public required string Behaviour { get; init; }

    /// <summary>How that is known: it begins with "Recorded with", "Observed with" and the version, with "Our driver", or, where nobody has looked yet, with "Assumed for".</summary>
    public required string Source { get; init; }

    /// <summary>Whether no test has compared it with the real backend yet. Default true.</summary>
    public bool Provisional { get; init; } = true;
}
