// Written by eng/generate-lxd from rest-api.yaml of LXD 5.0.2 and Incus 6.0.4.
#nullable enable
using System.Text.Json;
using Hypervisor.Sdk.Transport;
using Hypervisor.Sdk.Transport.Http;
using Hypervisor.Sdk.Transport.WebSockets;

namespace Hypervisor.Sdk.Lxd;

public sealed partial class LxdClient
{
    /// <summary><c>GET /1.0/network-allocations</c>, Incus only. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.AllProjects"/>.</summary>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<IList<LxdNetworkAllocations>>> NetworkAllocationsGetAsync(LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.NetworkAllocationsGet, Path($"/1.0/network-allocations"), null, call, LxdJson.Default.ListOfLxdNetworkAllocations, cancellationToken);

    /// <summary><c>DELETE /1.0/networks/{name}</c>. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task NetworkDeleteAsync(string name, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.NetworkDelete, Path($"/1.0/networks/{name}"), null, call, cancellationToken);

    /// <summary><c>GET /1.0/networks/{name}</c>. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.Target"/>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<LxdNetwork>> NetworkGetAsync(string name, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.NetworkGet, Path($"/1.0/networks/{name}"), null, call, LxdJson.Default.LxdNetwork, cancellationToken);

    /// <summary><c>PATCH /1.0/networks/{name}</c>. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.Target"/>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task NetworkPatchAsync(string name, LxdNetworkPut body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.NetworkPatch, Path($"/1.0/networks/{name}"), null, call, Json(body, LxdJson.Default.LxdNetworkPut), cancellationToken);

    /// <summary><c>POST /1.0/networks/{name}</c>. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task NetworkPostAsync(string name, LxdNetworkPost body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.NetworkPost, Path($"/1.0/networks/{name}"), null, call, Json(body, LxdJson.Default.LxdNetworkPost), cancellationToken);

    /// <summary><c>PUT /1.0/networks/{name}</c>. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.Target"/>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task NetworkPutAsync(string name, LxdNetworkPut body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.NetworkPut, Path($"/1.0/networks/{name}"), null, call, Json(body, LxdJson.Default.LxdNetworkPut), cancellationToken);

    /// <summary><c>GET /1.0/networks</c>. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.AllProjects"/>, <see cref="LxdCall.Filter"/>.</summary>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<IList<string>>> NetworksGetAsync(LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.NetworksGet, Path($"/1.0/networks"), null, call, LxdJson.Default.ListOfString, cancellationToken);

    /// <summary><c>GET /1.0/networks?recursion=1</c>. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.AllProjects"/>, <see cref="LxdCall.Filter"/>.</summary>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<IList<LxdNetwork>>> NetworksGetRecursion1Async(LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.NetworksGetRecursion1, Path($"/1.0/networks"), "recursion=1", call, LxdJson.Default.ListOfLxdNetwork, cancellationToken);

    /// <summary><c>GET /1.0/networks/{name}/leases</c>. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.Target"/>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<IList<LxdNetworkLease>>> NetworksLeasesGetAsync(string name, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.NetworksLeasesGet, Path($"/1.0/networks/{name}/leases"), null, call, LxdJson.Default.ListOfLxdNetworkLease, cancellationToken);

    /// <summary><c>POST /1.0/networks</c>. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.Target"/>.</summary>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task NetworksPostAsync(LxdNetworksPost body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.NetworksPost, Path($"/1.0/networks"), null, call, Json(body, LxdJson.Default.LxdNetworksPost), cancellationToken);

    /// <summary><c>GET /1.0/networks/{name}/state</c>. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.Target"/>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<LxdNetworkState>> NetworksStateGetAsync(string name, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.NetworksStateGet, Path($"/1.0/networks/{name}/state"), null, call, LxdJson.Default.LxdNetworkState, cancellationToken);
}
