namespace Hypervisor.Sdk.Transport.Http;

/// <summary>Why there is no response, or no more of it.</summary>
public enum HttpFailure
{
    /// <summary>The connection ended: nothing came, or the body stopped in the middle.</summary>
    ConnectionLost,

    /// <summary>One of <see cref="HttpTimeouts"/> ran out; the message says which.</summary>
    TimedOut,

    /// <summary>What the server sent is not HTTP/1.1 as RFC 9112 defines it, or leaves its meaning open.</summary>
    Malformed,

    /// <summary>The server sent more than this side takes; the message says of what, and the limit.</summary>
    TooLarge,

    /// <summary>More requests wait for a connection than <see cref="HttpPoolOptions.MaxWaiting"/>.</summary>
    PoolExhausted,

    /// <summary>The server did not accept the upgrade of the protocol, or answered it wrongly.</summary>
    UpgradeRefused,
}
