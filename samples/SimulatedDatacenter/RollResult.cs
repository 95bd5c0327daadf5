using Hypervisor.Sdk.Simulation;

namespace Samples.SimulatedDatacenter;

/// <summary>What came of it.</summary>
/// <param name="Rolled">Servers that could be seen at the end and have their new size.</param>
/// <param name="Crashes">How often the node was lost.</param>
/// <param name="Took">How long it took in the simulation.</param>
internal sealed record RollResult(int Rolled, int Crashes, TimeSpan Took, SimulationTrace Trace);
