// Written by eng/generate-lxd from rest-api.yaml of LXD 5.0.2 and Incus 6.0.4.
#nullable enable
using System.Text.Json;
using Hypervisor.Sdk.Transport;
using Hypervisor.Sdk.Transport.Http;
using Hypervisor.Sdk.Transport.WebSockets;

namespace Hypervisor.Sdk.Lxd;

public sealed partial class LxdClient
{
    /// <summary><c>GET /1.0/storage-pools/{poolName}</c>. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.Target"/>.</summary>
    /// <param name="poolName">The path's <c>poolName</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<LxdStoragePool>> StoragePoolGetAsync(string poolName, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.StoragePoolGet, Path($"/1.0/storage-pools/{poolName}"), null, call, LxdJson.Default.LxdStoragePool, cancellationToken);

    /// <summary><c>PATCH /1.0/storage-pools/{poolName}</c>. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.Target"/>.</summary>
    /// <param name="poolName">The path's <c>poolName</c>.</param>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task StoragePoolPatchAsync(string poolName, LxdStoragePoolPut body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.StoragePoolPatch, Path($"/1.0/storage-pools/{poolName}"), null, call, Json(body, LxdJson.Default.LxdStoragePoolPut), cancellationToken);

    /// <summary><c>PUT /1.0/storage-pools/{poolName}</c>. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.Target"/>.</summary>
    /// <param name="poolName">The path's <c>poolName</c>.</param>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task StoragePoolPutAsync(string poolName, LxdStoragePoolPut body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.StoragePoolPut, Path($"/1.0/storage-pools/{poolName}"), null, call, Json(body, LxdJson.Default.LxdStoragePoolPut), cancellationToken);

    /// <summary><c>GET /1.0/storage-pools/{name}/resources</c>. The call may carry <see cref="LxdCall.Target"/>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<LxdResourcesStoragePool>> StoragePoolResourcesAsync(string name, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.StoragePoolResources, Path($"/1.0/storage-pools/{name}/resources"), null, call, LxdJson.Default.LxdResourcesStoragePool, cancellationToken);

    /// <summary><c>DELETE /1.0/storage-pools/{poolName}</c>. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="poolName">The path's <c>poolName</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task StoragePoolsDeleteAsync(string poolName, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.StoragePoolsDelete, Path($"/1.0/storage-pools/{poolName}"), null, call, cancellationToken);

    /// <summary><c>GET /1.0/storage-pools</c>. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.Filter"/>.</summary>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<IList<string>>> StoragePoolsGetAsync(LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.StoragePoolsGet, Path($"/1.0/storage-pools"), null, call, LxdJson.Default.ListOfString, cancellationToken);

    /// <summary><c>GET /1.0/storage-pools?recursion=1</c>. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.Filter"/>.</summary>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<IList<LxdStoragePool>>> StoragePoolsGetRecursion1Async(LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.StoragePoolsGetRecursion1, Path($"/1.0/storage-pools"), "recursion=1", call, LxdJson.Default.ListOfLxdStoragePool, cancellationToken);

    /// <summary><c>POST /1.0/storage-pools</c>. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.Target"/>.</summary>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task StoragePoolsPostAsync(LxdStoragePoolsPost body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.StoragePoolsPost, Path($"/1.0/storage-pools"), null, call, Json(body, LxdJson.Default.LxdStoragePoolsPost), cancellationToken);
}
