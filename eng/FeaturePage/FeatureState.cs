namespace Hypervisor.Sdk.FeaturePage;

/// <summary>What the tests say about a feature, in the order of the page's columns.</summary>
internal enum FeatureState
{
    /// <summary>Every test that carries it passed.</summary>
    Proven,

    /// <summary>Tests carry it, and at least one was skipped while none failed.</summary>
    Unproven,

    /// <summary>A test that carries it failed.</summary>
    Failing,

    /// <summary>No test carries it.</summary>
    Open,
}
