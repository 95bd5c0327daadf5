namespace Hypervisor.Sdk.Simulation.Worlds;

/// <summary>What only containers have.</summary>
/// <param name="Image">What it was made from.</param>
/// <param name="Flavor">A system, or one program.</param>
/// <param name="Command">The program with its arguments; empty for a system.</param>
/// <param name="Environment">What the program finds in its environment.</param>
/// <param name="RestartPolicy"><c>no</c>, <c>on-failure</c> or <c>always</c>.</param>
internal sealed record ContainerConfig(string Image, ContainerFlavor Flavor, IReadOnlyList<string> Command, IReadOnlyDictionary<string, string> Environment, string RestartPolicy);
