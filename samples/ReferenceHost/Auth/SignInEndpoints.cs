using System.Globalization;
using System.Text.Json;
using System.Threading.RateLimiting;

namespace Hypervisor.Sdk.ReferenceHost;

/// <summary>Signing in and out: <c>POST /session</c> with the one-time token, <c>GET /session</c> for the page's CSRF token, <c>DELETE /session</c>.</summary>
internal static class SignInEndpoints
{
    private const string Policy = "sign-in";
    private const int AttemptsPerMinute = 5;
    private const int MaxBodyBytes = 1024;

    /// <summary>Five attempts a minute for each client.</summary>
    public static IServiceCollection AddSignIn(this IServiceCollection services)
    {
        services.AddSingleton<SignInToken>();
        services.AddSingleton<SessionStore>();
        services.AddTransient<SessionAuthentication>();
        services.AddAuthenticationCore(options =>
        {
            options.AddScheme<SessionAuthentication>(SessionAuthentication.Scheme, null);
            options.DefaultScheme = SessionAuthentication.Scheme;
        });
        services.AddAuthorization();
        services.AddRateLimiter(limiter =>
        {
            limiter.AddPolicy(Policy, http => RateLimitPartition.GetFixedWindowLimiter(http.Connection.RemoteIpAddress?.ToString() ?? "", _ => new() { PermitLimit = AttemptsPerMinute, Window = TimeSpan.FromMinutes(1) }));
            limiter.OnRejected = async (rejected, _) =>
            {
                int seconds = rejected.Lease.TryGetMetadata(MetadataName.RetryAfter, out var retryAfter) ? (int)Math.Ceiling(retryAfter.TotalSeconds) : 60;
                rejected.HttpContext.Response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
                await Refusal.WriteAsync(rejected.HttpContext, StatusCodes.Status429TooManyRequests, ErrorCode.Exhausted, $"Too many attempts to sign in: try again in {seconds} seconds.");
            };
        });
        return services;
    }

    public static void MapSignIn(this IEndpointRouteBuilder endpoints)
    {
        endpoints.MapPost("/session", SignInAsync).RequireRateLimiting(Policy).AllowAnonymous();
        endpoints.MapGet("/session", DescribeAsync);
        endpoints.MapDelete("/session", SignOutAsync).RequireAuthorization();
    }

    private static async Task SignInAsync(HttpContext http)
    {
        if (await ReadTokenAsync(http.Request) is not { } token)
        {
            await Refusal.WriteAsync(http, StatusCodes.Status400BadRequest, ErrorCode.InvalidArgument, "The body is not {\"token\":\"...\"}.");
            return;
        }

        if (!http.RequestServices.GetRequiredService<SignInToken>().TryRedeem(token))
        {
            await Refusal.WriteAsync(http, StatusCodes.Status401Unauthorized, ErrorCode.Unauthenticated, "The token is not good: it was used, it has expired, or there is a newer one.");
            return;
        }

        string cookie = http.RequestServices.GetRequiredService<SessionStore>().Begin();
        http.Response.Cookies.Append(SessionAuthentication.Cookie, cookie, CookieOptions(http));
        http.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    private static Task DescribeAsync(HttpContext http)
    {
        http.Response.Headers.CacheControl = "no-store";
        http.Response.ContentType = "application/json";
        bool signedIn = http.User.Identity?.IsAuthenticated == true;
        return http.Response.WriteAsync(signedIn ? $$"""{"signedIn":true,"csrf":"{{SessionStore.CsrfOf(http.Request.Cookies[SessionAuthentication.Cookie]!)}}"}""" : """{"signedIn":false}""");
    }

    private static Task SignOutAsync(HttpContext http)
    {
        http.RequestServices.GetRequiredService<SessionStore>().End(http.Request.Cookies[SessionAuthentication.Cookie]!);
        http.Response.Cookies.Delete(SessionAuthentication.Cookie, CookieOptions(http));
        http.Response.StatusCode = StatusCodes.Status204NoContent;
        return Task.CompletedTask;
    }

    private static CookieOptions CookieOptions(HttpContext http) => new() { HttpOnly = true, SameSite = SameSiteMode.Strict, Secure = http.Request.IsHttps, Path = "/", MaxAge = SessionStore.Lifetime };

    private static async Task<string?> ReadTokenAsync(HttpRequest request)
    {
        if (!request.HasJsonContentType())
            return null;
        byte[] body = new byte[MaxBodyBytes];
        int length = await request.Body.ReadAtLeastAsync(body, body.Length, throwOnEndOfStream: false, request.HttpContext.RequestAborted);
        try
        {
            using var document = JsonDocument.Parse(body.AsMemory(0, length));
            return document.RootElement is { ValueKind: JsonValueKind.Object } root && root.TryGetProperty("token", out var token) && token.ValueKind == JsonValueKind.String ? token.GetString() : null;
        }
        catch (Exception failure) when (failure is JsonException or InvalidOperationException)
        {
            // Not JSON, a text with half a character in it, or longer than any token: the answer says what is expected.
            return null;
        }
    }
}
