// Written by eng/generate-lxd from rest-api.yaml of LXD 5.0.2 and Incus 6.0.4.
#nullable enable
using System.Text.Json;
using Hypervisor.Sdk.Transport;
using Hypervisor.Sdk.Transport.Http;
using Hypervisor.Sdk.Transport.WebSockets;

namespace Hypervisor.Sdk.Lxd;

public sealed partial class LxdClient
{
    /// <summary><c>GET /1.0/cluster</c>.</summary>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<LxdCluster>> ClusterGetAsync(LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.ClusterGet, Path($"/1.0/cluster"), null, call, LxdJson.Default.LxdCluster, cancellationToken);

    /// <summary><c>DELETE /1.0/cluster/groups/{name}</c>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task ClusterGroupDeleteAsync(string name, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.ClusterGroupDelete, Path($"/1.0/cluster/groups/{name}"), null, call, cancellationToken);

    /// <summary><c>GET /1.0/cluster/groups/{name}</c>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<LxdClusterGroup>> ClusterGroupGetAsync(string name, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.ClusterGroupGet, Path($"/1.0/cluster/groups/{name}"), null, call, LxdJson.Default.LxdClusterGroup, cancellationToken);

    /// <summary><c>PATCH /1.0/cluster/groups/{name}</c>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task ClusterGroupPatchAsync(string name, LxdClusterGroupPut body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.ClusterGroupPatch, Path($"/1.0/cluster/groups/{name}"), null, call, Json(body, LxdJson.Default.LxdClusterGroupPut), cancellationToken);

    /// <summary><c>POST /1.0/cluster/groups/{name}</c>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task ClusterGroupPostAsync(string name, LxdClusterGroupPost body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.ClusterGroupPost, Path($"/1.0/cluster/groups/{name}"), null, call, Json(body, LxdJson.Default.LxdClusterGroupPost), cancellationToken);

    /// <summary><c>PUT /1.0/cluster/groups/{name}</c>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task ClusterGroupPutAsync(string name, LxdClusterGroupPut body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.ClusterGroupPut, Path($"/1.0/cluster/groups/{name}"), null, call, Json(body, LxdJson.Default.LxdClusterGroupPut), cancellationToken);

    /// <summary><c>GET /1.0/cluster/groups</c>.</summary>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<IList<string>>> ClusterGroupsGetAsync(LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.ClusterGroupsGet, Path($"/1.0/cluster/groups"), null, call, LxdJson.Default.ListOfString, cancellationToken);

    /// <summary><c>GET /1.0/cluster/groups?recursion=1</c>.</summary>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<IList<LxdClusterGroup>>> ClusterGroupsGetRecursion1Async(LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.ClusterGroupsGetRecursion1, Path($"/1.0/cluster/groups"), "recursion=1", call, LxdJson.Default.ListOfLxdClusterGroup, cancellationToken);

    /// <summary><c>POST /1.0/cluster/groups</c>.</summary>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task ClusterGroupsPostAsync(LxdClusterGroupsPost body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.ClusterGroupsPost, Path($"/1.0/cluster/groups"), null, call, Json(body, LxdJson.Default.LxdClusterGroupsPost), cancellationToken);

    /// <summary><c>DELETE /1.0/cluster/members/{name}</c>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task ClusterMemberDeleteAsync(string name, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.ClusterMemberDelete, Path($"/1.0/cluster/members/{name}"), null, call, cancellationToken);

    /// <summary><c>GET /1.0/cluster/members/{name}</c>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<LxdClusterMember>> ClusterMemberGetAsync(string name, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.ClusterMemberGet, Path($"/1.0/cluster/members/{name}"), null, call, LxdJson.Default.LxdClusterMember, cancellationToken);

    /// <summary><c>PATCH /1.0/cluster/members/{name}</c>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task ClusterMemberPatchAsync(string name, LxdClusterMemberPut body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.ClusterMemberPatch, Path($"/1.0/cluster/members/{name}"), null, call, Json(body, LxdJson.Default.LxdClusterMemberPut), cancellationToken);

    /// <summary><c>POST /1.0/cluster/members/{name}</c>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task ClusterMemberPostAsync(string name, LxdClusterMemberPost body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.ClusterMemberPost, Path($"/1.0/cluster/members/{name}"), null, call, Json(body, LxdJson.Default.LxdClusterMemberPost), cancellationToken);

    /// <summary><c>PUT /1.0/cluster/members/{name}</c>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task ClusterMemberPutAsync(string name, LxdClusterMemberPut body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.ClusterMemberPut, Path($"/1.0/cluster/members/{name}"), null, call, Json(body, LxdJson.Default.LxdClusterMemberPut), cancellationToken);

    /// <summary><c>GET /1.0/cluster/members/{name}/state</c>, Incus only.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<LxdClusterMemberState>> ClusterMemberStateGetAsync(string name, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.ClusterMemberStateGet, Path($"/1.0/cluster/members/{name}/state"), null, call, LxdJson.Default.LxdClusterMemberState, cancellationToken);

    /// <summary><c>POST /1.0/cluster/members/{name}/state</c>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdOperation> ClusterMemberStatePostAsync(string name, LxdClusterMemberStatePost body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        BeginAsync(LxdApi.ClusterMemberStatePost, Path($"/1.0/cluster/members/{name}/state"), null, call, Json(body, LxdJson.Default.LxdClusterMemberStatePost), cancellationToken);

    /// <summary><c>GET /1.0/cluster/members</c>.</summary>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<IList<string>>> ClusterMembersGetAsync(LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.ClusterMembersGet, Path($"/1.0/cluster/members"), null, call, LxdJson.Default.ListOfString, cancellationToken);

    /// <summary><c>GET /1.0/cluster/members?recursion=1</c>.</summary>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<IList<LxdClusterMember>>> ClusterMembersGetRecursion1Async(LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.ClusterMembersGetRecursion1, Path($"/1.0/cluster/members"), "recursion=1", call, LxdJson.Default.ListOfLxdClusterMember, cancellationToken);

    /// <summary><c>POST /1.0/cluster/members</c>.</summary>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdOperation> ClusterMembersPostAsync(LxdClusterMembersPost body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        BeginAsync(LxdApi.ClusterMembersPost, Path($"/1.0/cluster/members"), null, call, Json(body, LxdJson.Default.LxdClusterMembersPost), cancellationToken);

    /// <summary><c>PUT /1.0/cluster</c>.</summary>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task ClusterPutAsync(LxdClusterPut body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.ClusterPut, Path($"/1.0/cluster"), null, call, Json(body, LxdJson.Default.LxdClusterPut), cancellationToken);

    /// <summary><c>PUT /1.0/cluster/certificate</c>.</summary>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task ClusteringUpdateCertAsync(LxdClusterCertificatePut body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.ClusteringUpdateCert, Path($"/1.0/cluster/certificate"), null, call, Json(body, LxdJson.Default.LxdClusterCertificatePut), cancellationToken);
}
