namespace Hypervisor.Sdk;

/// <summary>What happened to an <see cref="Inventory"/>.</summary>
public enum InventoryChangeKind
{
    /// <summary>An instance is there that was not.</summary>
    Added,

    /// <summary>An instance is not what it was.</summary>
    Updated,

    /// <summary>An instance is gone.</summary>
    Removed,

    /// <summary>What the inventory says of a backend is now known to be so.</summary>
    Synchronized,

    /// <summary>What the inventory says of a backend may be old from now on; it is said all the same.</summary>
    Stale,

    /// <summary>The reader was too slow, and changes are missing here: list again.</summary>
    Gap,
}
