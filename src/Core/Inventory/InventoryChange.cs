namespace Hypervisor.Sdk;

/// <summary>One change of an <see cref="Inventory"/>.</summary>
public sealed class InventoryChange
{
    /// <summary>What happened.</summary>
    public required InventoryChangeKind Kind { get; init; }

    /// <summary>The backend; null for a <see cref="InventoryChangeKind.Gap"/>.</summary>
    public BackendName? Backend { get; init; }

    /// <summary>The instance as it is now, or as it was when it was removed; null where the change is about no instance.</summary>
    public Instance? Instance { get; init; }

    /// <summary>The instance's reference; null where the change is about no instance.</summary>
    public InstanceRef? Reference => Backend is { } backend && Instance is { } instance ? new InstanceRef(backend, instance.Id) : null;
}
