namespace Hypervisor.Sdk.Simulation;

/// <summary>A program in simulated guests that an application brings along: what its own tests need to find there.</summary>
/// <param name="call">What it is called with.</param>
/// <param name="cancellationToken">Is cancelled when the program is killed, or its machine is switched off.</param>
/// <returns>Its exit code, 0 to 255.</returns>
public delegate ValueTask<int> SimulatedProgram(SimulatedProgramCall call, CancellationToken cancellationToken);
