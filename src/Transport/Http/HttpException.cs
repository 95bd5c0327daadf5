namespace Hypervisor.Sdk.Transport.Http;

/// <summary>A request got no response, or not the whole of it. Its connection is closed; the pool is still usable.</summary>
public sealed class HttpException : IOException
{
    /// <summary>Makes the exception with the kind of failure, whether bytes of the request left, what happened to which request, and what caused it.</summary>
    public HttpException(HttpFailure failure, bool maybeSent, string message, Exception? innerException = null)
        : base(message, innerException)
    {
        Failure = failure;
        MaybeSent = maybeSent;
    }

    /// <summary>Why.</summary>
    public HttpFailure Failure { get; }

    /// <summary>False when nothing of the request can have reached the server: repeating it is safe. True when the server may have acted on it.</summary>
    public bool MaybeSent { get; }
}
