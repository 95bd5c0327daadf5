namespace Hypervisor.Sdk;

/// <summary>An instance and where it is.</summary>
/// <param name="Reference">Where it is.</param>
/// <param name="Instance">What it was when it was last seen.</param>
public readonly record struct InventoryEntry(InstanceRef Reference, Instance Instance);
