namespace Hypervisor.Sdk.Conformance;

/// <summary>What came of a check.</summary>
public enum CheckOutcome
{
    /// <summary>The driver keeps the sentence.</summary>
    Passed,

    /// <summary>It does not.</summary>
    Failed,

    /// <summary>It was not found out; the reason is written.</summary>
    Skipped,
}
