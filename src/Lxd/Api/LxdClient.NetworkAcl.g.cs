// Written by eng/generate-lxd from rest-api.yaml of LXD 5.0.2 and Incus 6.0.4.
#nullable enable
using System.Text.Json;
using Hypervisor.Sdk.Transport;
using Hypervisor.Sdk.Transport.Http;
using Hypervisor.Sdk.Transport.WebSockets;

namespace Hypervisor.Sdk.Lxd;

public sealed partial class LxdClient
{
    /// <summary><c>DELETE /1.0/network-acls/{name}</c>. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task NetworkAclDeleteAsync(string name, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.NetworkAclDelete, Path($"/1.0/network-acls/{name}"), null, call, cancellationToken);

    /// <summary><c>GET /1.0/network-acls/{name}</c>. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<LxdNetworkAcl>> NetworkAclGetAsync(string name, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.NetworkAclGet, Path($"/1.0/network-acls/{name}"), null, call, LxdJson.Default.LxdNetworkAcl, cancellationToken);

    /// <summary><c>GET /1.0/network-acls/{name}/log</c>. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<HttpResponse> NetworkAclLogGetAsync(string name, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        OpenAsync(LxdApi.NetworkAclLogGet, Path($"/1.0/network-acls/{name}/log"), null, call, cancellationToken);

    /// <summary><c>PATCH /1.0/network-acls/{name}</c>. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task NetworkAclPatchAsync(string name, LxdNetworkAclPut body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.NetworkAclPatch, Path($"/1.0/network-acls/{name}"), null, call, Json(body, LxdJson.Default.LxdNetworkAclPut), cancellationToken);

    /// <summary><c>POST /1.0/network-acls/{name}</c>. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task NetworkAclPostAsync(string name, LxdNetworkAclPost body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.NetworkAclPost, Path($"/1.0/network-acls/{name}"), null, call, Json(body, LxdJson.Default.LxdNetworkAclPost), cancellationToken);

    /// <summary><c>PUT /1.0/network-acls/{name}</c>. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task NetworkAclPutAsync(string name, LxdNetworkAclPut body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.NetworkAclPut, Path($"/1.0/network-acls/{name}"), null, call, Json(body, LxdJson.Default.LxdNetworkAclPut), cancellationToken);

    /// <summary><c>GET /1.0/network-acls</c>. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.AllProjects"/>, <see cref="LxdCall.Filter"/>.</summary>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<IList<string>>> NetworkAclsGetAsync(LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.NetworkAclsGet, Path($"/1.0/network-acls"), null, call, LxdJson.Default.ListOfString, cancellationToken);

    /// <summary><c>GET /1.0/network-acls?recursion=1</c>. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.AllProjects"/>, <see cref="LxdCall.Filter"/>.</summary>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<IList<LxdNetworkAcl>>> NetworkAclsGetRecursion1Async(LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.NetworkAclsGetRecursion1, Path($"/1.0/network-acls"), "recursion=1", call, LxdJson.Default.ListOfLxdNetworkAcl, cancellationToken);

    /// <summary><c>POST /1.0/network-acls</c>. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task NetworkAclsPostAsync(LxdNetworkAclsPost body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.NetworkAclsPost, Path($"/1.0/network-acls"), null, call, Json(body, LxdJson.Default.LxdNetworkAclsPost), cancellationToken);
}
