using System.Security.Claims;
using Microsoft.AspNetCore.Authentication;

namespace Hypervisor.Sdk.ReferenceHost;

/// <summary>Tells by the cookie who asks. Registered without the framework's cookie scheme, which would bring a key ring that nothing here needs.</summary>
internal sealed class SessionAuthentication(SessionStore sessions) : IAuthenticationHandler
{
    public const string Scheme = "session";
    public const string Cookie = "hvsdk";

    private HttpContext? _http;

    public Task InitializeAsync(AuthenticationScheme scheme, HttpContext context)
    {
        _http = context;
        return Task.CompletedTask;
    }

    public Task<AuthenticateResult> AuthenticateAsync()
    {
        if (!sessions.IsGood(_http!.Request.Cookies[Cookie]))
            return Task.FromResult(AuthenticateResult.NoResult());
        var identity = new ClaimsIdentity([new Claim(ClaimTypes.Name, "owner")], Scheme);
        return Task.FromResult(AuthenticateResult.Success(new(new ClaimsPrincipal(identity), Scheme)));
    }

    public Task ChallengeAsync(AuthenticationProperties? properties) =>
        Refusal.WriteAsync(_http!, StatusCodes.Status401Unauthorized, ErrorCode.Unauthenticated, "Nobody is signed in: open the address that the host has printed, or ask it for a new one with the command 'token'.");

    public Task ForbidAsync(AuthenticationProperties? properties) => Refusal.WriteAsync(_http!, StatusCodes.Status403Forbidden, ErrorCode.Denied, "This is not allowed.");
}
