namespace Hypervisor.Sdk.Transport.WebSockets;

/// <summary>The server broke RFC 6455, or sent more than this side takes. It was told why, as well as that could be done, and the connection is closed.</summary>
public sealed class WebSocketProtocolException : IOException
{
    /// <summary>Makes the exception with what the server was told and what it did.</summary>
    public WebSocketProtocolException(int closeCode, string message)
        : base(message) => CloseCode = closeCode;

    /// <summary>What the server was told (RFC 6455, 7.4.1): 1002 it broke the protocol, 1007 its text is not UTF-8, 1009 it sent too much.</summary>
    public int CloseCode { get; }
}
