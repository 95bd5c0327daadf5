using System.Globalization;
using System.Text;
using System.Text.Json;
using Hypervisor.Sdk.Transport.WebSockets;

namespace Hypervisor.Sdk.Lxd.Driver;

/// <summary>The streams of a command or a console, and what is said on the one for control (<c>api.InstanceExecControl</c> of both servers).</summary>
internal static class LxdControl
{
    public static byte[] Resize(int columns, int rows) => Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $$$"""{"command":"window-resize","args":{"width":"{{{columns}}}","height":"{{{rows}}}"}}"""));

    public static byte[] Signal(int number) => Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $$"""{"command":"signal","signal":{{number}}}"""));

    /// <summary>Connects a stream by the secret that the operation has for it.</summary>
    public static Task<WebSocketConnection> OpenAsync(LxdClient client, LxdOperation operation, string stream, CancellationToken cancellationToken)
    {
        if (operation is { Id: { Length: > 0 } id, Metadata: { } metadata } && metadata.TryGetValue("fds", out var streams) && streams.ValueKind == JsonValueKind.Object
            && streams.TryGetProperty(stream, out var secret) && secret.ValueKind == JsonValueKind.String)
            return client.OperationWebsocketGetAsync(id, new LxdCall { Secret = secret.GetString() }, cancellationToken);
        throw LxdErrors.Unreadable("the request for streams", $"it names no stream '{stream}'.");
    }

    /// <summary>Receives what is of no interest, so that pings are answered and the end is seen.</summary>
    public static async Task DrainAsync(WebSocketConnection socket)
    {
        try
        {
            while ((await socket.ReceiveAsync().ConfigureAwait(false)).Kind != WebSocketMessageKind.Close)
                continue;
        }
        catch (Exception error) when (error is IOException or InvalidOperationException)
        {
            // Closed by the one or the other side.
        }
    }
}
