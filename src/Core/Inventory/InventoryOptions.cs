namespace Hypervisor.Sdk;

/// <summary>How an <see cref="Inventory"/> follows its backends. Read once, when it is made.</summary>
public sealed class InventoryOptions
{
    /// <summary>How many events of one backend may wait to be applied, 1 or more; when more come, the backend is listed again. Default 4096.</summary>
    public int EventCapacity { get; set; } = 4096;

    /// <summary>How many instances of one backend are fetched at a time, 1 or more. Default 4.</summary>
    public int MaxConcurrentFetches { get; set; } = 4;

    /// <summary>How long to wait before a backend that could not be followed is tried again; doubled by each further failure. More than zero. Default 1 second.</summary>
    public TimeSpan FirstRetryDelay { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>The longest wait between two tries. Not less than <see cref="FirstRetryDelay"/>. Default 30 seconds.</summary>
    public TimeSpan MaxRetryDelay { get; set; } = TimeSpan.FromSeconds(30);

    internal void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(EventCapacity, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxConcurrentFetches, 1);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(FirstRetryDelay, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxRetryDelay, FirstRetryDelay);
    }
}
