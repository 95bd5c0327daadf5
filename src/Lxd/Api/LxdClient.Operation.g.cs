// Written by eng/generate-lxd from rest-api.yaml of LXD 5.0.2 and Incus 6.0.4.
#nullable enable
using System.Text.Json;
using Hypervisor.Sdk.Transport;
using Hypervisor.Sdk.Transport.Http;
using Hypervisor.Sdk.Transport.WebSockets;

namespace Hypervisor.Sdk.Lxd;

public sealed partial class LxdClient
{
    /// <summary><c>DELETE /1.0/operations/{id}</c>.</summary>
    /// <param name="id">The path's <c>id</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task OperationDeleteAsync(string id, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.OperationDelete, Path($"/1.0/operations/{id}"), null, call, cancellationToken);

    /// <summary><c>GET /1.0/operations/{id}</c>.</summary>
    /// <param name="id">The path's <c>id</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<LxdOperation>> OperationGetAsync(string id, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.OperationGet, Path($"/1.0/operations/{id}"), null, call, LxdJson.Default.LxdOperation, cancellationToken);

    /// <summary><c>GET /1.0/operations/{id}/wait</c>. The call may carry <see cref="LxdCall.Timeout"/>.</summary>
    /// <param name="id">The path's <c>id</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<LxdOperation>> OperationWaitGetAsync(string id, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.OperationWaitGet, Path($"/1.0/operations/{id}/wait"), null, call, LxdJson.Default.LxdOperation, cancellationToken);

    /// <summary><c>GET /1.0/operations/{id}/wait?public</c>. The call may carry <see cref="LxdCall.Secret"/>, <see cref="LxdCall.Timeout"/>.</summary>
    /// <param name="id">The path's <c>id</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<LxdOperation>> OperationWaitGetUntrustedAsync(string id, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.OperationWaitGetUntrusted, Path($"/1.0/operations/{id}/wait"), "public", call, LxdJson.Default.LxdOperation, cancellationToken);

    /// <summary><c>GET /1.0/operations/{id}/websocket</c>. The call may carry <see cref="LxdCall.Secret"/>.</summary>
    /// <param name="id">The path's <c>id</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<WebSocketConnection> OperationWebsocketGetAsync(string id, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        OpenWebSocketAsync(LxdApi.OperationWebsocketGet, Path($"/1.0/operations/{id}/websocket"), null, call, cancellationToken);

    /// <summary><c>GET /1.0/operations/{id}/websocket?public</c>. The call may carry <see cref="LxdCall.Secret"/>.</summary>
    /// <param name="id">The path's <c>id</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<WebSocketConnection> OperationWebsocketGetUntrustedAsync(string id, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        OpenWebSocketAsync(LxdApi.OperationWebsocketGetUntrusted, Path($"/1.0/operations/{id}/websocket"), "public", call, cancellationToken);

    /// <summary><c>GET /1.0/operations</c>. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.AllProjects"/>.</summary>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<IDictionary<string, IList<string>>>> OperationsGetAsync(LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.OperationsGet, Path($"/1.0/operations"), null, call, LxdJson.Default.MapOfListOfString, cancellationToken);

    /// <summary><c>GET /1.0/operations?recursion=1</c>. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.AllProjects"/>.</summary>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<IDictionary<string, IList<LxdOperation>>>> OperationsGetRecursion1Async(LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.OperationsGetRecursion1, Path($"/1.0/operations"), "recursion=1", call, LxdJson.Default.MapOfListOfLxdOperation, cancellationToken);
}
