namespace Hypervisor.Sdk.Conformance;

/// <summary>What came of a check.</summary>
public sealed class CheckResult
{
    /// <summary>The check's id.</summary>
    public required string Id { get; init; }

    /// <summary>The sentence that it tests.</summary>
    public required string Sentence { get; init; }

    /// <summary>Whether a driver must pass it.</summary>
    public required bool IsMandatory { get; init; }

    /// <summary>What came of it.</summary>
    public required CheckOutcome Outcome { get; init; }

    /// <summary>Why it failed or was skipped; null when it passed.</summary>
    public string? Message { get; init; }

    /// <summary>How long it took.</summary>
    public TimeSpan Took { get; init; }
}
