using Hypervisor.Sdk.Simulation.Worlds;

namespace Hypervisor.Sdk.Simulation.Driver;

/// <summary>What the backend answers when it is asked what it can do.</summary>
internal static class SimulationCapabilities
{
    public static CapabilityAnswer Answer(World world, Capability capability, CapabilityTarget target)
    {
        if (target.Instance is { } id && world.Require(id) is var instance && world.Personality.OfInstance.TryGetValue(capability, out var ask))
            return ask(instance.Config);
        return world.Personality.Answer(capability);
    }
}
