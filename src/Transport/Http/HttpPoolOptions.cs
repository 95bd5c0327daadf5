namespace Hypervisor.Sdk.Transport.Http;

/// <summary>How a pool connects, how long it waits and how much it takes. Read once, when the pool is made.</summary>
public sealed class HttpPoolOptions
{
    /// <summary>Connect time-out, buffers, TCP keepalive, a thread for each connection. Default: the defaults of <see cref="ConnectionOptions"/>.</summary>
    public ConnectionOptions Connection { get; set; } = new();

    /// <summary>The time-outs of requests that have none of their own. Default: <see cref="HttpTimeouts.Default"/>.</summary>
    public HttpTimeouts Timeouts { get; set; } = HttpTimeouts.Default;

    /// <summary>How many connections there may be at once: 1 to 4096. A request beyond waits until one is free. Default: 32.</summary>
    public int MaxConnections { get; set; } = 32;

    /// <summary>How many requests may wait for a connection; one more fails with <see cref="HttpFailure.PoolExhausted"/>. Default: 4096.</summary>
    public int MaxWaiting { get; set; } = 4096;

    /// <summary>After how long an unused connection is closed. Default: 60 seconds.</summary>
    public TimeSpan IdleLifetime { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>The most bytes of a response's head, and of its trailers: 256 B to 1 MiB. Default: 32 KiB.</summary>
    public int MaxHeadBytes { get; set; } = 32 * 1024;

    /// <summary>The most bytes of a body that is read as a whole, after decompression, and of one JSON token. Default: 64 MiB.</summary>
    public long MaxBodyBytes { get; set; } = 64 * 1024 * 1024;

    /// <summary>Offer gzip, deflate and br, and decompress what comes so. Costs allocations. Default: false.</summary>
    public bool Decompress { get; set; }

    /// <summary>The most bytes that one compressed body may become when it is read as a stream. Default: 1 GiB.</summary>
    public long MaxDecompressedBytes { get; set; } = 1024L * 1024 * 1024;

    /// <summary>
    /// Asked before each request for a header with credentials, or null for none. It is called on the caller's thread and must return at once: keep the header, renew it elsewhere.
    /// Default: null.
    /// </summary>
    public Func<HttpHeader?>? Credentials { get; set; }

    internal void Validate()
    {
        ArgumentNullException.ThrowIfNull(Connection);
        ArgumentNullException.ThrowIfNull(Timeouts);
        Connection.Validate();
        Timeouts.Validate();
        if (MaxConnections is < 1 or > 4096)
            throw new ArgumentException($"{nameof(MaxConnections)} is {MaxConnections}; it must be 1 to 4096.");
        if (MaxWaiting < 0)
            throw new ArgumentException($"{nameof(MaxWaiting)} is {MaxWaiting}; it must not be negative.");
        if (IdleLifetime <= TimeSpan.Zero && IdleLifetime != Timeout.InfiniteTimeSpan)
            throw new ArgumentException($"{nameof(IdleLifetime)} is {IdleLifetime}; it must be positive or infinite.");
        if (MaxHeadBytes is < 256 or > 1024 * 1024)
            throw new ArgumentException($"{nameof(MaxHeadBytes)} is {MaxHeadBytes}; it must be 256 to 1048576.");
        if (MaxBodyBytes < 0)
            throw new ArgumentException($"{nameof(MaxBodyBytes)} is {MaxBodyBytes}; it must not be negative.");
        if (MaxDecompressedBytes < 0)
            throw new ArgumentException($"{nameof(MaxDecompressedBytes)} is {MaxDecompressedBytes}; it must not be negative.");
    }
}
