namespace Hypervisor.Sdk.Transport;

/// <summary>Why there is no connection.</summary>
public enum ConnectFailure
{
    /// <summary>None of the others: the inner exception says more.</summary>
    Other,

    /// <summary>The endpoint exists and nobody listens on it.</summary>
    Refused,

    /// <summary>There is no such socket file, host name, or program.</summary>
    NotFound,

    /// <summary>The operating system forbids it to this user.</summary>
    Denied,

    /// <summary>No route leads to the host or its network.</summary>
    Unreachable,

    /// <summary>No connection within <see cref="ConnectionOptions.ConnectTimeout"/>.</summary>
    TimedOut,

    /// <summary>TLS failed: the server is not the one that was asked for, or either side does not accept the other's certificate.</summary>
    Untrusted,
}
