using Hypervisor.Sdk;
using Hypervisor.Sdk.AspNetCore;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Maps the API into an application.</summary>
public static class HypervisorApiEndpointExtensions
{
    /// <summary>
    /// Maps the REST and WebSocket API. The application must have called <c>AddHypervisorApi</c>, and <c>UseWebSockets</c> before this where the sockets are wanted.
    /// </summary>
    /// <param name="endpoints">The application.</param>
    /// <param name="prefix">Where the API begins, with its version: <c>/api/v1</c>.</param>
    /// <returns>
    /// The group of all its endpoints, to add authorization, rate limits or CORS to: the API itself lets everybody do everything. The endpoint <c>/health</c> stays anonymous, and so do the graphics sockets,
    /// which admit by ticket.
    /// </returns>
    public static RouteGroupBuilder MapHypervisorApi(this IEndpointRouteBuilder endpoints, string prefix)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        ArgumentException.ThrowIfNullOrEmpty(prefix);
        if (prefix[0] != '/' || prefix.EndsWith('/'))
            throw new ArgumentException($"'{prefix}' is not a path that begins with a slash and ends without one.", nameof(prefix));

        var group = endpoints.MapGroup(prefix);
        var table = new ApiRouteTable(group, prefix);
        var routes = new ApiRouter(table);
        routes.Get("/health", "getHealth", "Answers while the application serves.", ApiSchema.Object(("status", ApiSchema.Text, true)), call => call.WriteAsync(writer =>
        {
            writer.WriteStartObject();
            writer.WriteString("status", "ok");
            writer.WriteEndObject();
        })).AllowAnonymous();
        BackendRoutes.Map(routes);
        InstanceRoutes.Map(routes);
        SnapshotRoutes.Map(routes);
        GuestRoutes.Map(routes);
        FileRoutes.Map(routes);
        PortRoutes.Map(routes);
        StorageRoutes.Map(routes);
        OperationRoutes.Map(routes);
        SocketRoutes.Map(routes);
        byte[]? document = null;
        routes.Raw("GET", "/openapi.json", "getOpenApi", "This description.", "application/json", 
            call => call.SendBytesAsync(new NativeDocument("application/json", document ??= OpenApiDocument.Write(table, call.Services.Json))));
        return group;
    }
}
