namespace Hypervisor.Sdk.ReferenceHost;

/// <summary>
/// What the commands <c>token</c> and <c>stop</c> ask of the host that serves: over a unix socket in the state directory, which only its owner can open. Requests that come over the network do not get here,
/// and this socket serves nothing else.
/// </summary>
internal static class ControlEndpoints
{
    private const string Root = "/control";

    public static async Task SeparateAsync(HttpContext http, RequestDelegate next)
    {
        // A unix socket has no address.
        bool isControlSocket = http.Connection.LocalIpAddress is null;
        if (isControlSocket == http.Request.Path.StartsWithSegments(Root, StringComparison.Ordinal))
            await next(http);
        else
            await Refusal.WriteAsync(http, StatusCodes.Status404NotFound, ErrorCode.NotFound, "There is nothing here.");
    }

    public static void MapControl(this IEndpointRouteBuilder endpoints)
    {
        var control = endpoints.MapGroup(Root);
        control.MapPost("/token", http => http.Response.WriteAsync(http.RequestServices.GetRequiredService<SignInToken>().Issue()));
        control.MapPost("/stop", http =>
        {
            http.RequestServices.GetRequiredService<IHostApplicationLifetime>().StopApplication();
            http.Response.StatusCode = StatusCodes.Status204NoContent;
            return Task.CompletedTask;
        });
    }
}
