// Written by eng/generate-lxd from rest-api.yaml of LXD 5.0.2 and Incus 6.0.4.
#nullable enable
using System.Text.Json;
using Hypervisor.Sdk.Transport;
using Hypervisor.Sdk.Transport.Http;
using Hypervisor.Sdk.Transport.WebSockets;

namespace Hypervisor.Sdk.Lxd;

public sealed partial class LxdClient
{
    /// <summary><c>DELETE /1.0/networks/{networkName}/peers/{peerName}</c>. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="networkName">The path's <c>networkName</c>.</param>
    /// <param name="peerName">The path's <c>peerName</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task NetworkPeerDeleteAsync(string networkName, string peerName, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.NetworkPeerDelete, Path($"/1.0/networks/{networkName}/peers/{peerName}"), null, call, cancellationToken);

    /// <summary><c>GET /1.0/networks/{networkName}/peers/{peerName}</c>. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="networkName">The path's <c>networkName</c>.</param>
    /// <param name="peerName">The path's <c>peerName</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<LxdNetworkPeer>> NetworkPeerGetAsync(string networkName, string peerName, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.NetworkPeerGet, Path($"/1.0/networks/{networkName}/peers/{peerName}"), null, call, LxdJson.Default.LxdNetworkPeer, cancellationToken);

    /// <summary><c>GET /1.0/networks/{networkName}/peers?recursion=1</c>. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.Filter"/>.</summary>
    /// <param name="networkName">The path's <c>networkName</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<IList<LxdNetworkPeer>>> NetworkPeerGetRecursion1Async(string networkName, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.NetworkPeerGetRecursion1, Path($"/1.0/networks/{networkName}/peers"), "recursion=1", call, LxdJson.Default.ListOfLxdNetworkPeer, cancellationToken);

    /// <summary><c>PATCH /1.0/networks/{networkName}/peers/{peerName}</c>. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="networkName">The path's <c>networkName</c>.</param>
    /// <param name="peerName">The path's <c>peerName</c>.</param>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task NetworkPeerPatchAsync(string networkName, string peerName, LxdNetworkPeerPut body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.NetworkPeerPatch, Path($"/1.0/networks/{networkName}/peers/{peerName}"), null, call, Json(body, LxdJson.Default.LxdNetworkPeerPut), cancellationToken);

    /// <summary><c>PUT /1.0/networks/{networkName}/peers/{peerName}</c>. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="networkName">The path's <c>networkName</c>.</param>
    /// <param name="peerName">The path's <c>peerName</c>.</param>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task NetworkPeerPutAsync(string networkName, string peerName, LxdNetworkPeerPut body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.NetworkPeerPut, Path($"/1.0/networks/{networkName}/peers/{peerName}"), null, call, Json(body, LxdJson.Default.LxdNetworkPeerPut), cancellationToken);

    /// <summary><c>GET /1.0/networks/{networkName}/peers</c>. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.Filter"/>.</summary>
    /// <param name="networkName">The path's <c>networkName</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<IList<string>>> NetworkPeersGetAsync(string networkName, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.NetworkPeersGet, Path($"/1.0/networks/{networkName}/peers"), null, call, LxdJson.Default.ListOfString, cancellationToken);

    /// <summary><c>POST /1.0/networks/{networkName}/peers</c>. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="networkName">The path's <c>networkName</c>.</param>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdOperation?> NetworkPeersPostAsync(string networkName, LxdNetworkPeersPost body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendOrBeginAsync(LxdApi.NetworkPeersPost, Path($"/1.0/networks/{networkName}/peers"), null, call, Json(body, LxdJson.Default.LxdNetworkPeersPost), cancellationToken);
}
