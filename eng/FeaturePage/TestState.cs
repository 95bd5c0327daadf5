namespace Hypervisor.Sdk.FeaturePage;

/// <summary>How a test ended; the later, the worse.</summary>
internal enum TestState
{
    /// <summary>It passed.</summary>
    Passed,

    /// <summary>It did not run, and said why.</summary>
    Skipped,

    /// <summary>It failed.</summary>
    Failed,
}
