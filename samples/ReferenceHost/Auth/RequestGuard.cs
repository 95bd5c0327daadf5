using Microsoft.AspNetCore.Authorization;

namespace Hypervisor.Sdk.ReferenceHost;

/// <summary>
/// Refuses what another site's page could make a browser send: WebSockets and changes from a foreign origin, and changes without the header that only our page can fill in. What is signed in by cookie needs all of
/// it; SameSite=Strict is one wall, this is the second.
/// </summary>
internal static class RequestGuard
{
    public const string CsrfHeader = "X-CSRF-Token";

    public static async Task CheckAsync(HttpContext http, RequestDelegate next)
    {
        var request = http.Request;
        bool isSocket = http.WebSockets.IsWebSocketRequest;
        bool changes = !HttpMethods.IsGet(request.Method) && !HttpMethods.IsHead(request.Method) && !HttpMethods.IsOptions(request.Method);
        if (isSocket && !MayOpenSocket(http))
            await Refusal.WriteAsync(http, StatusCodes.Status403Forbidden, ErrorCode.Denied, "The page that opens this WebSocket is not one of this host.").ConfigureAwait(false);
        else if (changes && request.Headers.Origin.Count > 0 && !IsOwn(request))
            await Refusal.WriteAsync(http, StatusCodes.Status403Forbidden, ErrorCode.Denied, "The page that sends this request is not one of this host.").ConfigureAwait(false);
        else if (changes && !IsAnonymous(http) && http.User.Identity?.IsAuthenticated == true && !SessionStore.IsCsrfOf(request.Cookies[SessionAuthentication.Cookie]!, request.Headers[CsrfHeader].ToString()))
            await Refusal.WriteAsync(http, StatusCodes.Status403Forbidden, ErrorCode.Denied, $"The header {CsrfHeader} is missing or not that of this session: GET /session says it.").ConfigureAwait(false);
        else
            await next(http).ConfigureAwait(false);
    }

    /// <summary>Browsers always say where a WebSocket comes from. Viewers that are no browser do not, and are let in where a ticket is asked for.</summary>
    private static bool MayOpenSocket(HttpContext http) =>
        IsOwn(http.Request) || (http.Request.Headers.Origin.Count == 0 && IsAnonymous(http));

    /// <summary>What asks nobody who he is does nothing in his name.</summary>
    private static bool IsAnonymous(HttpContext http) => http.GetEndpoint()?.Metadata.GetMetadata<IAllowAnonymous>() is not null;

    private static bool IsOwn(HttpRequest request) => string.Equals(request.Headers.Origin.ToString(), $"{request.Scheme}://{request.Host.ToUriComponent()}", StringComparison.OrdinalIgnoreCase);
}
