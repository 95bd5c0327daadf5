namespace Hypervisor.Sdk.Conformance.Model;

/// <summary>Where a driver differs from the model.</summary>
/// <param name="What">At which step, and in what.</param>
/// <param name="Kind">The operation, and what came of it instead of what: the same for a shorter sequence that fails for the same reason.</param>
/// <param name="Hangs">Whether the step did not end: what was called there may go on, and its client be of no more use.</param>
internal sealed record ModelDifference(string What, string Kind, bool Hangs);
