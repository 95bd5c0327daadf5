using Hypervisor.Sdk.Transport.Http;

namespace Hypervisor.Sdk.Transport.WebSockets;

/// <summary>What a WebSocket asks for and how much it takes. Read once, when it connects.</summary>
public sealed class WebSocketOptions
{
    /// <summary>Headers of the request, credentials for example. Default: none beside those of the handshake.</summary>
    public IList<HttpHeader> Headers { get; } = [];

    /// <summary>Subprotocols to offer, in order of preference. Default: none.</summary>
    public IList<string> SubProtocols { get; } = [];

    /// <summary>The most bytes of one frame. Default: 16 MiB.</summary>
    public int MaxFrameBytes { get; set; } = 16 * 1024 * 1024;

    /// <summary>The most bytes of one message, all its frames together. Default: 16 MiB.</summary>
    public int MaxMessageBytes { get; set; } = 16 * 1024 * 1024;

    /// <summary>How long <see cref="WebSocketConnection.CloseAsync"/> waits for the server's close. Default: 5 seconds.</summary>
    public TimeSpan CloseTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// After how long without a frame the server is sent a ping while somebody receives; after as long again without an answer the connection is closed. Null for never. Default: null.
    /// </summary>
    public TimeSpan? PingInterval { get; set; }

    /// <summary>Called with each ping of the server's, before it is answered; must return at once. Some servers say by their first one that they have begun. Default: null.</summary>
    public Action? Pinged { get; set; }

    /// <summary>The time-outs of the handshake. Default: those of the pool.</summary>
    public HttpTimeouts? HandshakeTimeouts { get; set; }

    /// <summary>The clock of the intervals. Default: the system's.</summary>
    public TimeProvider TimeProvider { get; set; } = TimeProvider.System;

    internal void Validate()
    {
        if (MaxFrameBytes < 125)
            throw new ArgumentException($"{nameof(MaxFrameBytes)} is {MaxFrameBytes}; it must be at least 125, which control frames may have.");
        if (MaxMessageBytes < 0)
            throw new ArgumentException($"{nameof(MaxMessageBytes)} is {MaxMessageBytes}; it must not be negative.");
        if (CloseTimeout <= TimeSpan.Zero && CloseTimeout != Timeout.InfiniteTimeSpan)
            throw new ArgumentException($"{nameof(CloseTimeout)} is {CloseTimeout}; it must be positive or infinite.");
        if (PingInterval is { } interval && interval <= TimeSpan.Zero)
            throw new ArgumentException($"{nameof(PingInterval)} is {interval}; it must be positive, or null.");
    }
}
