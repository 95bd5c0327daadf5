namespace Hypervisor.Sdk.Simulation.Worlds;

/// <summary>A network device of an instance.</summary>
/// <param name="Id">What it is called within the instance.</param>
/// <param name="Network">The network.</param>
/// <param name="Mac">Its hardware address.</param>
/// <param name="Address">The address that the guest is given.</param>
internal sealed record NetworkConfig(DeviceId Id, string Network, MacAddress Mac, Cidr? Address);
