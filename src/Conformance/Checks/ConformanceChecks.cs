namespace Hypervisor.Sdk.Conformance;

/// <summary>The checks.</summary>
public static class ConformanceChecks
{
    /// <summary>All of them, in the order in which they are run.</summary>
    public static IReadOnlyList<ConformanceCheck> All { get; } =
    [
        .. BackendChecks.All,
        .. LifeCycleChecks.All,
        .. StateChecks.All,
        .. RequestChecks.All,
        .. OperationChecks.All,
        .. ListChecks.All,
        .. EventChecks.All,
        .. PlanChecks.All,
        .. ErrorChecks.All,
        .. SnapshotChecks.All,
        .. FeatureChecks.All,
        .. StorageChecks.All,
        .. CapabilityChecks.All,
        .. ModelChecks.All,
    ];

    /// <summary>The check of an id.</summary>
    /// <exception cref="ArgumentException">There is none.</exception>
    public static ConformanceCheck Get(string id) => All.FirstOrDefault(check => check.Id == id) ?? throw new ArgumentException($"There is no check '{id}'.", nameof(id));
}
