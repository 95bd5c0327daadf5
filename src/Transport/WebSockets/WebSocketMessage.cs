using System.Buffers;
using System.Text;

namespace Hypervisor.Sdk.Transport.WebSockets;

/// <summary>A whole message, however many frames it came in. Its payload is borrowed until the next call of <see cref="WebSocketConnection.ReceiveAsync"/>.</summary>
public readonly struct WebSocketMessage
{
    internal WebSocketMessage(WebSocketMessageKind kind, in ReadOnlySequence<byte> payload, int closeCode = 0)
    {
        Kind = kind;
        Payload = payload;
        CloseCode = closeCode;
    }

    /// <summary>What it is.</summary>
    public WebSocketMessageKind Kind { get; }

    /// <summary>Its bytes; of a close, the reason as UTF-8. Borrowed.</summary>
    public ReadOnlySequence<byte> Payload { get; }

    /// <summary>Of a close: why (RFC 6455, 7.4), 1005 when the server did not say; else 0.</summary>
    public int CloseCode { get; }

    /// <summary>The kind and the size; for a close, its code. Not the content.</summary>
    public override string ToString() => Kind == WebSocketMessageKind.Close ? $"Close {CloseCode}" : $"{Kind} of {Payload.Length} bytes";

    internal string Text => Encoding.UTF8.GetString(Payload);
}
