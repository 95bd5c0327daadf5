namespace Hypervisor.Sdk.Simulation.Worlds;

/// <summary>That somebody reaches a volume.</summary>
internal sealed record SimLease(string Id, SimVolume Volume, NodeName Node, VolumeAccess Access, InstanceRef? Instance);
