namespace Hypervisor.Sdk.Transport;

/// <summary>The connection is gone: nothing more can be sent or received on it. One instance per connection, the same for every call that was pending.</summary>
public sealed class ConnectionClosedException : IOException
{
    /// <summary>Makes the exception with what happened, to which endpoint.</summary>
    public ConnectionClosedException(string message)
        : base(message)
    {
    }

    /// <summary>Makes the exception with what happened and what caused it: the socket's error, a broken protocol, the reason given to <see cref="Connection.Abort"/>.</summary>
    public ConnectionClosedException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }
}
