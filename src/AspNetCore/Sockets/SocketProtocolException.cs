namespace Hypervisor.Sdk.AspNetCore;

/// <summary>The client has broken the rules of the socket, which is closed with 1008 and this reason.</summary>
internal sealed class SocketProtocolException(string message) : Exception(message)
{
    public static SocketProtocolException NoBytes(uint channel) => new($"Channel {channel} carries no bytes.");
}
