using System.Net.WebSockets;

namespace Hypervisor.Sdk.AspNetCore;

/// <summary>Who may open a WebSocket: browsers send cookies along from any page, so the page's origin must be the API's own or one that was allowed.</summary>
internal static class SocketAcceptance
{
    public static void Check(ApiCall call)
    {
        var http = call.Http;
        if (!http.WebSockets.IsWebSocketRequest)
            throw new RequestRefusedException(StatusCodes.Status426UpgradeRequired, "This address is a WebSocket: the request does not ask for one, or the application does not use WebSockets.", ErrorCode.InvalidArgument);
        string origin = http.Request.Headers.Origin.ToString();
        if (origin.Length == 0 || IsOwn(http.Request, origin) || call.Services.Options.AllowedOrigins.Contains(origin, StringComparer.OrdinalIgnoreCase))
            return;
        throw new HypervisorException($"The origin '{Echo.Short(origin)}' may not open WebSockets here.", ErrorCode.Denied, RequestOutcome.NotSent);
    }

    public static Task<WebSocket> AcceptAsync(ApiCall call, string protocol)
    {
        Check(call);
        if (!call.Http.WebSockets.WebSocketRequestedProtocols.Contains(protocol))
            throw RequestRefusedException.Field("Sec-WebSocket-Protocol", $"The WebSocket must be asked for with the subprotocol '{protocol}'.");
        return call.Http.WebSockets.AcceptWebSocketAsync(protocol);
    }

    private static bool IsOwn(HttpRequest request, string origin) => string.Equals(origin, $"{request.Scheme}://{request.Host.ToUriComponent()}", StringComparison.OrdinalIgnoreCase);
}
