namespace Hypervisor.Sdk.Simulation;

/// <summary>What a backend says when it refuses, in its own words.</summary>
/// <param name="Code">Its code.</param>
/// <param name="Message">Its sentence; <c>{0}</c> stands for what the refusal is about.</param>
public readonly record struct SimulatedRefusal(string Code, string Message);
