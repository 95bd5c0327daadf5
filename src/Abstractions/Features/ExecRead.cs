namespace Hypervisor.Sdk;

/// <summary>What one read brought.</summary>
/// <param name="Channel">Where the bytes come from.</param>
/// <param name="Count">How many; 0 at the end.</param>
public readonly record struct ExecRead(ExecChannel Channel, int Count);
