// Written by eng/generate-lxd from rest-api.yaml of LXD 5.0.2 and Incus 6.0.4.
#nullable enable
using System.Text.Json;
using Hypervisor.Sdk.Transport;
using Hypervisor.Sdk.Transport.Http;
using Hypervisor.Sdk.Transport.WebSockets;

namespace Hypervisor.Sdk.Lxd;

public sealed partial class LxdClient
{
    /// <summary><c>DELETE /1.0/network-zones/{zone}</c>. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="zone">The path's <c>zone</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task NetworkZoneDeleteAsync(string zone, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.NetworkZoneDelete, Path($"/1.0/network-zones/{zone}"), null, call, cancellationToken);

    /// <summary><c>GET /1.0/network-zones/{zone}</c>. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="zone">The path's <c>zone</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<LxdNetworkZone>> NetworkZoneGetAsync(string zone, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.NetworkZoneGet, Path($"/1.0/network-zones/{zone}"), null, call, LxdJson.Default.LxdNetworkZone, cancellationToken);

    /// <summary><c>PATCH /1.0/network-zones/{zone}</c>. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="zone">The path's <c>zone</c>.</param>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task NetworkZonePatchAsync(string zone, LxdNetworkZonePut body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.NetworkZonePatch, Path($"/1.0/network-zones/{zone}"), null, call, Json(body, LxdJson.Default.LxdNetworkZonePut), cancellationToken);

    /// <summary><c>PUT /1.0/network-zones/{zone}</c>. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="zone">The path's <c>zone</c>.</param>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task NetworkZonePutAsync(string zone, LxdNetworkZonePut body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.NetworkZonePut, Path($"/1.0/network-zones/{zone}"), null, call, Json(body, LxdJson.Default.LxdNetworkZonePut), cancellationToken);

    /// <summary><c>DELETE /1.0/network-zones/{zone}/records/{name}</c>. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="zone">The path's <c>zone</c>.</param>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task NetworkZoneRecordDeleteAsync(string zone, string name, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.NetworkZoneRecordDelete, Path($"/1.0/network-zones/{zone}/records/{name}"), null, call, cancellationToken);

    /// <summary><c>GET /1.0/network-zones/{zone}/records/{name}</c>. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="zone">The path's <c>zone</c>.</param>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<LxdNetworkZoneRecord>> NetworkZoneRecordGetAsync(string zone, string name, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.NetworkZoneRecordGet, Path($"/1.0/network-zones/{zone}/records/{name}"), null, call, LxdJson.Default.LxdNetworkZoneRecord, cancellationToken);

    /// <summary><c>PATCH /1.0/network-zones/{zone}/records/{name}</c>. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="zone">The path's <c>zone</c>.</param>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task NetworkZoneRecordPatchAsync(string zone, string name, LxdNetworkZoneRecordPut body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.NetworkZoneRecordPatch, Path($"/1.0/network-zones/{zone}/records/{name}"), null, call, Json(body, LxdJson.Default.LxdNetworkZoneRecordPut), cancellationToken);

    /// <summary><c>PUT /1.0/network-zones/{zone}/records/{name}</c>. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="zone">The path's <c>zone</c>.</param>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task NetworkZoneRecordPutAsync(string zone, string name, LxdNetworkZoneRecordPut body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.NetworkZoneRecordPut, Path($"/1.0/network-zones/{zone}/records/{name}"), null, call, Json(body, LxdJson.Default.LxdNetworkZoneRecordPut), cancellationToken);

    /// <summary><c>GET /1.0/network-zones/{zone}/records</c>. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.Filter"/>.</summary>
    /// <param name="zone">The path's <c>zone</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<IList<string>>> NetworkZoneRecordsGetAsync(string zone, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.NetworkZoneRecordsGet, Path($"/1.0/network-zones/{zone}/records"), null, call, LxdJson.Default.ListOfString, cancellationToken);

    /// <summary><c>GET /1.0/network-zones/{zone}/records?recursion=1</c>. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.Filter"/>.</summary>
    /// <param name="zone">The path's <c>zone</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<IList<LxdNetworkZoneRecord>>> NetworkZoneRecordsGetRecursion1Async(string zone, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.NetworkZoneRecordsGetRecursion1, Path($"/1.0/network-zones/{zone}/records"), "recursion=1", call, LxdJson.Default.ListOfLxdNetworkZoneRecord, cancellationToken);

    /// <summary><c>POST /1.0/network-zones/{zone}/records</c>. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="zone">The path's <c>zone</c>.</param>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task NetworkZoneRecordsPostAsync(string zone, LxdNetworkZoneRecordsPost body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.NetworkZoneRecordsPost, Path($"/1.0/network-zones/{zone}/records"), null, call, Json(body, LxdJson.Default.LxdNetworkZoneRecordsPost), cancellationToken);

    /// <summary><c>GET /1.0/network-zones</c>. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.AllProjects"/>, <see cref="LxdCall.Filter"/>.</summary>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<IList<string>>> NetworkZonesGetAsync(LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.NetworkZonesGet, Path($"/1.0/network-zones"), null, call, LxdJson.Default.ListOfString, cancellationToken);

    /// <summary><c>GET /1.0/network-zones?recursion=1</c>. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.AllProjects"/>, <see cref="LxdCall.Filter"/>.</summary>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<IList<LxdNetworkZone>>> NetworkZonesGetRecursion1Async(LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.NetworkZonesGetRecursion1, Path($"/1.0/network-zones"), "recursion=1", call, LxdJson.Default.ListOfLxdNetworkZone, cancellationToken);

    /// <summary><c>POST /1.0/network-zones</c>. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task NetworkZonesPostAsync(LxdNetworkZonesPost body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.NetworkZonesPost, Path($"/1.0/network-zones"), null, call, Json(body, LxdJson.Default.LxdNetworkZonesPost), cancellationToken);
}
