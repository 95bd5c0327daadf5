namespace Hypervisor.Sdk;

/// <summary>How well an <see cref="Inventory"/> knows a backend.</summary>
public sealed class InventoryStatus
{
    /// <summary>The backend.</summary>
    public required BackendName Backend { get; init; }

    /// <summary>True once every instance was seen. It stays true when the backend is lost.</summary>
    public required bool WasSynchronized { get; init; }

    /// <summary>Since when what is said may be old; null while the backend is followed.</summary>
    public DateTimeOffset? StaleSince { get; init; }

    /// <summary>Why the backend cannot be followed; null while it is, or when no reason is known.</summary>
    public HypervisorException? Problem { get; init; }
}
