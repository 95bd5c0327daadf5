namespace Hypervisor.Sdk;

/// <summary>How a <see cref="BackendRegistry"/> connects. Read once, when the registry is made.</summary>
public sealed class BackendRegistryOptions
{
    /// <summary>How long one attempt to connect may take, more than zero. Default 30 seconds.</summary>
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How long a backend is left alone after a first failed attempt; doubled by each further one. 0 or more. Default 1 second.</summary>
    public TimeSpan FirstRetryDelay { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>The longest time that a backend is left alone after a failed attempt; a longer wish of the backend's own is honoured. Not less than <see cref="FirstRetryDelay"/>. Default 1 minute.</summary>
    public TimeSpan MaxRetryDelay { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>The limits of every backend that <see cref="LimitsByBackend"/> does not name. Default: none.</summary>
    public BackendLimits Limits { get; set; } = new();

    /// <summary>The limits of single backends.</summary>
    public IDictionary<BackendName, BackendLimits> LimitsByBackend { get; } = new Dictionary<BackendName, BackendLimits>();

    internal BackendLimits LimitsOf(BackendName backend) => LimitsByBackend.TryGetValue(backend, out var limits) ? limits : Limits;

    internal void Validate()
    {
        foreach (var limits in LimitsByBackend.Values.Prepend(Limits))
            _ = limits.Copy();
        if (ConnectTimeout <= TimeSpan.Zero)
            throw new ArgumentException($"{nameof(ConnectTimeout)} is {ConnectTimeout}: it must be more than zero.");
        if (FirstRetryDelay < TimeSpan.Zero)
            throw new ArgumentException($"{nameof(FirstRetryDelay)} is {FirstRetryDelay}: it must be zero or more.");
        if (MaxRetryDelay < FirstRetryDelay)
            throw new ArgumentException($"{nameof(MaxRetryDelay)} is {MaxRetryDelay}: it must not be less than {nameof(FirstRetryDelay)}, {FirstRetryDelay}.");
    }
}
