using System.Net.WebSockets;
using Microsoft.Extensions.Hosting;
using static Hypervisor.Sdk.AspNetCore.ApiSchema;

namespace Hypervisor.Sdk.AspNetCore;

/// <summary>The multiplexed WebSocket, and dedicated ones for screens.</summary>
internal static class SocketRoutes
{
    private const string Graphics = "/instances/{backend}/{id}/graphics";
    private const string Binary = "binary";

    public static void Map(ApiRouter routes)
    {
        routes.Socket("/ws", "openSocket", $"One WebSocket for events, metrics, consoles and operations (subprotocol {SocketSession.Protocol}).", MultiplexAsync);
        routes.Post(Graphics, "createGraphicsSession", "A ticket for a WebSocket that carries the screen to any viewer.", null, Object(("webSocketUrl", Text, true), ("protocol", Text, true), ("expiresAt", Text, true)), TicketAsync);
        routes.Socket(Graphics + "/socket", "openGraphicsSocket", "The screen, as bytes of its protocol (subprotocol binary). The ticket is what admits: it is good once, for a short time.", GraphicsAsync, new ApiParameter("ticket", "From the graphics session."))
            .AllowAnonymous();
    }

    private static async Task MultiplexAsync(ApiCall call)
    {
        SocketAcceptance.Check(call);
        using var place = call.Services.Sockets.Enter();
        using var socket = await SocketAcceptance.AcceptAsync(call, SocketSession.Protocol).ConfigureAwait(false);
        using var session = new SocketSession(socket, call.Services);
        await session.RunAsync(Stopping(call)).ConfigureAwait(false);
    }

    private static async Task TicketAsync(ApiCall call)
    {
        var backend = await call.GetBackendAsync().ConfigureAwait(false);
        _ = backend.Get<IGraphicsConsole>();
        var instance = await (await call.GetComputeAsync().ConfigureAwait(false)).GetAsync(call.Instance, call.Aborted).ConfigureAwait(false);
        if (instance.State != PowerState.Running && instance.State != PowerState.Paused)
            throw new HypervisorException($"Instance '{instance.Id}' is {instance.State}: there is no screen.", ErrorCode.InvalidState, RequestOutcome.Rejected) { Backend = call.Backend, Resource = $"instance {instance.Id}" };
        var (ticket, expiresAt) = call.Services.Tickets.Issue(new(call.Backend, call.Instance));
        var request = call.Http.Request;
        string path = $"{ApiServices.PathOf(call.Http)}/instances/{call.Backend}/{Uri.EscapeDataString(call.Instance.ToString())}/graphics/socket";
        await call.WriteAsync(writer =>
        {
            writer.WriteStartObject();
            writer.WriteString("webSocketUrl", $"{(request.IsHttps ? "wss" : "ws")}://{request.Host.ToUriComponent()}{path}?ticket={ticket}");
            writer.WriteString("protocol", "vnc");
            writer.WriteString("expiresAt", expiresAt.UtcDateTime);
            writer.WriteEndObject();
        }).ConfigureAwait(false);
    }

    private static async Task GraphicsAsync(ApiCall call)
    {
        SocketAcceptance.Check(call);
        call.Services.Tickets.Redeem(call.QueryText("ticket"), new(call.Backend, call.Instance));
        using var place = call.Services.Sockets.Enter();
        var graphics = await (await call.GetServiceAsync<IGraphicsConsole>().ConfigureAwait(false)).OpenAsync(call.Instance, call.Aborted).ConfigureAwait(false);
        await using (graphics.ConfigureAwait(false))
        {
            using var socket = await SocketAcceptance.AcceptAsync(call, Binary).ConfigureAwait(false);
            await new GraphicsBridge(socket, graphics, call.Services).RunAsync(Stopping(call)).ConfigureAwait(false);
        }
    }

    private static CancellationToken Stopping(ApiCall call) => call.Http.RequestServices.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;
}
