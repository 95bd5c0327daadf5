namespace Hypervisor.Sdk.Jobs;

/// <summary>What a job does to a backend.</summary>
/// <param name="Backend">Where.</param>
/// <param name="Query">What, as its <see cref="ILaneHints"/> are asked.</param>
public sealed record BackendWork(IBackend Backend, LaneQuery Query);
