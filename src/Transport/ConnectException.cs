namespace Hypervisor.Sdk.Transport;

/// <summary>A connection could not be made. Nothing was sent to a peer beyond the handshake.</summary>
public sealed class ConnectException : IOException
{
    /// <summary>Makes the exception with the kind of failure, what was tried, and what caused it.</summary>
    public ConnectException(ConnectFailure failure, string message, Exception? innerException = null)
        : base(message, innerException) => Failure = failure;

    /// <summary>Why there is no connection.</summary>
    public ConnectFailure Failure { get; }
}
