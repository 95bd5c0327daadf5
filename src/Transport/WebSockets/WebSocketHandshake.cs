using System.Diagnostics.CodeAnalysis;
using System.Net.Http;
using System.Security.Cryptography;
using System.Text;
using Hypervisor.Sdk.Transport.Http;

namespace Hypervisor.Sdk.Transport.WebSockets;

/// <summary>The opening handshake (RFC 6455, 4.1).</summary>
internal static class WebSocketHandshake
{
    private const string Guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

    public static async Task<(Connection Connection, string? SubProtocol)> OpenAsync(HttpConnectionPool pool, HttpTarget target, WebSocketOptions options, CancellationToken cancellationToken)
    {
        string key = Convert.ToBase64String(RandomNumberGenerator.GetBytes(16));
        List<HttpHeader> headers = [new("Sec-WebSocket-Version", "13"), new("Sec-WebSocket-Key", key), .. options.Headers];
        if (options.SubProtocols.Count > 0)
            headers.Add(new HttpHeader("Sec-WebSocket-Protocol", string.Join(", ", options.SubProtocols)));
        var request = new HttpRequest(HttpMethod.Get, target, headers) { Upgrade = "websocket", Timeouts = options.HandshakeTimeouts };
        HttpResponse response = await pool.SendAsync(request, cancellationToken).ConfigureAwait(false);
        await using (response.ConfigureAwait(false))
        {
            string? subProtocol = Check(request, pool.Endpoint, response, key, options);
            return (response.TakeConnection(), subProtocol);
        }
    }

    private static string? Check(HttpRequest request, HttpEndpoint endpoint, in HttpResponse response, string key, WebSocketOptions options)
    {
        if (response.Status != 101)
            Refuse(request, endpoint, $"the server answered {response.Status}, not 101");
        if (!"websocket".Equals(response.GetHeader("Upgrade"), StringComparison.OrdinalIgnoreCase))
            Refuse(request, endpoint, "the server upgraded to something else");
        if (response.GetHeader("Connection")?.Split(',', StringSplitOptions.TrimEntries).Contains("upgrade", StringComparer.OrdinalIgnoreCase) != true)
            Refuse(request, endpoint, "the server's answer has no 'Connection: Upgrade'");
#pragma warning disable CA5350 // The handshake's own digest; it protects nothing.
        string accept = Convert.ToBase64String(SHA1.HashData(Encoding.ASCII.GetBytes(key + Guid)));
#pragma warning restore CA5350
        if (response.GetHeader("Sec-WebSocket-Accept") != accept)
            Refuse(request, endpoint, "the server's Sec-WebSocket-Accept does not answer the key");
        if (response.GetHeader("Sec-WebSocket-Extensions") is not null)
            Refuse(request, endpoint, "the server uses an extension that was not offered");
        string? subProtocol = response.GetHeader("Sec-WebSocket-Protocol");
        if (subProtocol is not null && !options.SubProtocols.Contains(subProtocol))
            Refuse(request, endpoint, "the server chose a subprotocol that was not offered");
        return subProtocol;
    }

    [DoesNotReturn]
    private static void Refuse(HttpRequest request, HttpEndpoint endpoint, string what) =>
        throw new HttpException(HttpFailure.UpgradeRefused, maybeSent: true, $"{request} at {endpoint} is no WebSocket: {what}.");
}
