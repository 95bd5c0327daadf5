namespace Hypervisor.Sdk.Conformance;

/// <summary>A check found that there is nothing to find out.</summary>
/// <param name="reason">Why, in a sentence that stands in the feature matrix.</param>
public sealed class CheckSkippedException(string reason) : Exception(reason);
