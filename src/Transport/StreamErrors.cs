using System.Net.Sockets;
using System.Security.Authentication;

namespace Hypervisor.Sdk.Transport;

/// <summary>What the framework's streams throw when they are broken or disposed.</summary>
internal static class StreamErrors
{
    public static bool Includes(Exception error) =>
        error is IOException or SocketException or ObjectDisposedException or InvalidOperationException or AuthenticationException or OperationCanceledException or NotSupportedException;
}
