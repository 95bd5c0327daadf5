namespace Hypervisor.Sdk.Transport;

/// <summary>How a connection is made and buffered. Read once, when the connection is made.</summary>
public sealed class ConnectionOptions
{
    /// <summary>How long connecting may take, TLS handshake included; <see cref="Timeout.InfiniteTimeSpan"/> for no limit. Default: 10 seconds.</summary>
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>After how much silence a TCP connection is probed, or null for never. Whole seconds. Default: 30 seconds.</summary>
    public TimeSpan? KeepAliveTime { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>The time between two TCP probes. Whole seconds. Default: 10 seconds.</summary>
    public TimeSpan KeepAliveInterval { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>After how many unanswered TCP probes the connection is closed. Default: 3.</summary>
    public int KeepAliveProbes { get; set; } = 3;

    /// <summary>
    /// The size of one buffer, and so the most that one receive takes from the socket and one send hands to it: 1 KiB to 1 MiB. Default: 16 KiB. A connection holds at
    /// least one for each direction that was used, and keeps at most eight spare ones after a burst. One that sends or keeps more than a buffer at a time uses larger ones from then on, up to 128 KiB, and keeps no more
    /// bytes of them.
    /// </summary>
    public int SegmentBytes { get; set; } = 16 * 1024;

    /// <summary>How many received bytes the operating system holds before it stops the peer, or null for the system's own choice. Default: null.</summary>
    public int? SocketReceiveBytes { get; set; }

    /// <summary>How many unsent bytes the operating system holds before <see cref="System.IO.Pipelines.PipeWriter.FlushAsync"/> waits, or null for the system's own choice. Default: null.</summary>
    public int? SocketSendBytes { get; set; }

    /// <summary>
    /// Receive on a thread of its own, which runs the reader's continuation itself, instead of on the runtime's event loop and thread pool. A call and its answer cost about half
    /// the processor time then on one core and a fifth on several, where the pool's threads spin, for a thread per connection. A continuation that blocks the thread after it has asked
    /// for the next bytes delays them by up to a tenth of a second: then another thread takes over.
    /// For unix sockets and TCP; ignored over TLS. Default: false.
    /// </summary>
    public bool OwnThread { get; set; }

    /// <summary>The clock of the time-outs. Default: the system's.</summary>
    public TimeProvider TimeProvider { get; set; } = TimeProvider.System;

    internal static ConnectionOptions Default { get; } = new();

    internal void Validate()
    {
        if (ConnectTimeout <= TimeSpan.Zero && ConnectTimeout != Timeout.InfiniteTimeSpan)
            throw new ArgumentException($"{nameof(ConnectTimeout)} is {ConnectTimeout}; it must be positive or infinite.");
        if (KeepAliveTime is { } idle && idle < TimeSpan.FromSeconds(1))
            throw new ArgumentException($"{nameof(KeepAliveTime)} is {idle}; it must be at least a second, or null.");
        if (KeepAliveInterval < TimeSpan.FromSeconds(1))
            throw new ArgumentException($"{nameof(KeepAliveInterval)} is {KeepAliveInterval}; it must be at least a second.");
        if (KeepAliveProbes is < 1 or > 127)
            throw new ArgumentException($"{nameof(KeepAliveProbes)} is {KeepAliveProbes}; it must be 1 to 127.");
        if (SegmentBytes is < 1024 or > 1024 * 1024)
            throw new ArgumentException($"{nameof(SegmentBytes)} is {SegmentBytes}; it must be 1024 to 1048576.");
        if (SocketReceiveBytes is <= 0)
            throw new ArgumentException($"{nameof(SocketReceiveBytes)} is {SocketReceiveBytes}; it must be positive, or null.");
        if (SocketSendBytes is <= 0)
            throw new ArgumentException($"{nameof(SocketSendBytes)} is {SocketSendBytes}; it must be positive, or null.");
    }
}
