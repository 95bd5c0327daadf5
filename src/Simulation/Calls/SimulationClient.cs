using Hypervisor.Sdk.Simulation.Worlds;

namespace Hypervisor.Sdk.Simulation.Calls;

/// <summary>One connection to the data centre.</summary>
internal sealed class SimulationClient(World world)
{
    public World World { get; } = world;

    public bool IsClosed { get; set; }

    public void ThrowIfClosed() => ObjectDisposedException.ThrowIf(IsClosed, typeof(SimulatedBackend));
}
