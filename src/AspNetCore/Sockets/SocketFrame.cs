using System.Buffers;
using System.Net.WebSockets;

namespace Hypervisor.Sdk.AspNetCore;

/// <summary>One message on its way out: rented memory, returned once it is sent.</summary>
internal readonly struct SocketFrame(byte[] rented, int length, WebSocketMessageType type)
{
    public ReadOnlyMemory<byte> Payload => rented.AsMemory(0, length);

    public WebSocketMessageType Type => type;

    public void Return() => ArrayPool<byte>.Shared.Return(rented);

    public static SocketFrame Text(ReadOnlySpan<byte> json)
    {
        byte[] rented = ArrayPool<byte>.Shared.Rent(json.Length);
        json.CopyTo(rented);
        return new(rented, json.Length, WebSocketMessageType.Text);
    }
}
