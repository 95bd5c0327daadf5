// Written by eng/generate-lxd from rest-api.yaml of LXD 5.0.2 and Incus 6.0.4.
#nullable enable
using System.Text.Json;
using Hypervisor.Sdk.Transport;
using Hypervisor.Sdk.Transport.Http;
using Hypervisor.Sdk.Transport.WebSockets;

namespace Hypervisor.Sdk.Lxd;

public sealed partial class LxdClient
{
    /// <summary><c>DELETE /1.0/storage-pools/{name}/buckets/{bucketName}</c>, Incus only. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.Target"/>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="bucketName">The path's <c>bucketName</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task StoragePoolBucketDeleteAsync(string name, string bucketName, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.StoragePoolBucketDelete, Path($"/1.0/storage-pools/{name}/buckets/{bucketName}"), null, call, cancellationToken);

    /// <summary><c>GET /1.0/storage-pools/{poolName}/buckets/{bucketName}</c>, Incus only. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="poolName">The path's <c>poolName</c>.</param>
    /// <param name="bucketName">The path's <c>bucketName</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<LxdStorageBucket>> StoragePoolBucketGetAsync(string poolName, string bucketName, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.StoragePoolBucketGet, Path($"/1.0/storage-pools/{poolName}/buckets/{bucketName}"), null, call, LxdJson.Default.LxdStorageBucket, cancellationToken);

    /// <summary><c>DELETE /1.0/storage-pools/{name}/buckets/{bucketName}/keys/{keyName}</c>, Incus only. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.Target"/>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="bucketName">The path's <c>bucketName</c>.</param>
    /// <param name="keyName">The path's <c>keyName</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task StoragePoolBucketKeyDeleteAsync(string name, string bucketName, string keyName, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.StoragePoolBucketKeyDelete, Path($"/1.0/storage-pools/{name}/buckets/{bucketName}/keys/{keyName}"), null, call, cancellationToken);

    /// <summary><c>GET /1.0/storage-pools/{poolName}/buckets/{bucketName}/keys/{keyName}</c>, Incus only. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="poolName">The path's <c>poolName</c>.</param>
    /// <param name="bucketName">The path's <c>bucketName</c>.</param>
    /// <param name="keyName">The path's <c>keyName</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<LxdStorageBucketKey>> StoragePoolBucketKeyGetAsync(string poolName, string bucketName, string keyName, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.StoragePoolBucketKeyGet, Path($"/1.0/storage-pools/{poolName}/buckets/{bucketName}/keys/{keyName}"), null, call, LxdJson.Default.LxdStorageBucketKey, cancellationToken);

    /// <summary><c>POST /1.0/storage-pools/{poolName}/buckets/{bucketName}/keys</c>, Incus only. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="poolName">The path's <c>poolName</c>.</param>
    /// <param name="bucketName">The path's <c>bucketName</c>.</param>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<LxdStorageBucketKey>> StoragePoolBucketKeyPostAsync(string poolName, string bucketName, LxdStorageBucketKeysPost body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.StoragePoolBucketKeyPost, Path($"/1.0/storage-pools/{poolName}/buckets/{bucketName}/keys"), null, call, Json(body, LxdJson.Default.LxdStorageBucketKeysPost), LxdJson.Default.LxdStorageBucketKey, cancellationToken);

    /// <summary><c>PUT /1.0/storage-pools/{name}/buckets/{bucketName}/keys/{keyName}</c>, Incus only. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.Target"/>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="bucketName">The path's <c>bucketName</c>.</param>
    /// <param name="keyName">The path's <c>keyName</c>.</param>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task StoragePoolBucketKeyPutAsync(string name, string bucketName, string keyName, LxdStorageBucketKeyPut body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.StoragePoolBucketKeyPut, Path($"/1.0/storage-pools/{name}/buckets/{bucketName}/keys/{keyName}"), null, call, Json(body, LxdJson.Default.LxdStorageBucketKeyPut), cancellationToken);

    /// <summary><c>GET /1.0/storage-pools/{poolName}/buckets/{bucketName}/keys</c>, Incus only. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="poolName">The path's <c>poolName</c>.</param>
    /// <param name="bucketName">The path's <c>bucketName</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<IList<string>>> StoragePoolBucketKeysGetAsync(string poolName, string bucketName, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.StoragePoolBucketKeysGet, Path($"/1.0/storage-pools/{poolName}/buckets/{bucketName}/keys"), null, call, LxdJson.Default.ListOfString, cancellationToken);

    /// <summary><c>GET /1.0/storage-pools/{poolName}/buckets/{bucketName}/keys?recursion=1</c>, Incus only. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="poolName">The path's <c>poolName</c>.</param>
    /// <param name="bucketName">The path's <c>bucketName</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<IList<LxdStorageBucketKey>>> StoragePoolBucketKeysGetRecursion1Async(string poolName, string bucketName, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.StoragePoolBucketKeysGetRecursion1, Path($"/1.0/storage-pools/{poolName}/buckets/{bucketName}/keys"), "recursion=1", call, LxdJson.Default.ListOfLxdStorageBucketKey, cancellationToken);

    /// <summary><c>PATCH /1.0/storage-pools/{name}/buckets/{bucketName}</c>, Incus only. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.Target"/>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="bucketName">The path's <c>bucketName</c>.</param>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task StoragePoolBucketPatchAsync(string name, string bucketName, LxdStorageBucketPut body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.StoragePoolBucketPatch, Path($"/1.0/storage-pools/{name}/buckets/{bucketName}"), null, call, Json(body, LxdJson.Default.LxdStorageBucketPut), cancellationToken);

    /// <summary><c>POST /1.0/storage-pools/{poolName}/buckets</c>, Incus only. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="poolName">The path's <c>poolName</c>.</param>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<LxdStorageBucketKey>> StoragePoolBucketPostAsync(string poolName, LxdStorageBucketsPost body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.StoragePoolBucketPost, Path($"/1.0/storage-pools/{poolName}/buckets"), null, call, Json(body, LxdJson.Default.LxdStorageBucketsPost), LxdJson.Default.LxdStorageBucketKey, cancellationToken);

    /// <summary><c>PUT /1.0/storage-pools/{name}/buckets/{bucketName}</c>, Incus only. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.Target"/>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="bucketName">The path's <c>bucketName</c>.</param>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task StoragePoolBucketPutAsync(string name, string bucketName, LxdStorageBucketPut body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.StoragePoolBucketPut, Path($"/1.0/storage-pools/{name}/buckets/{bucketName}"), null, call, Json(body, LxdJson.Default.LxdStorageBucketPut), cancellationToken);

    /// <summary><c>DELETE /1.0/storage-pools/{poolName}/buckets/{bucketName}/backups/{backupName}</c>, Incus only. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.Target"/>.</summary>
    /// <param name="poolName">The path's <c>poolName</c>.</param>
    /// <param name="bucketName">The path's <c>bucketName</c>.</param>
    /// <param name="backupName">The path's <c>backupName</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdOperation> StoragePoolBucketsBackupDeleteAsync(string poolName, string bucketName, string backupName, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        BeginAsync(LxdApi.StoragePoolBucketsBackupDelete, Path($"/1.0/storage-pools/{poolName}/buckets/{bucketName}/backups/{backupName}"), null, call, cancellationToken);

    /// <summary><c>GET /1.0/storage-pools/{poolName}/buckets/{bucketName}/backups/{backupName}/export</c>, Incus only. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.Target"/>.</summary>
    /// <param name="poolName">The path's <c>poolName</c>.</param>
    /// <param name="bucketName">The path's <c>bucketName</c>.</param>
    /// <param name="backupName">The path's <c>backupName</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<HttpResponse> StoragePoolBucketsBackupExportGetAsync(string poolName, string bucketName, string backupName, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        OpenAsync(LxdApi.StoragePoolBucketsBackupExportGet, Path($"/1.0/storage-pools/{poolName}/buckets/{bucketName}/backups/{backupName}/export"), null, call, cancellationToken);

    /// <summary><c>GET /1.0/storage-pools/{poolName}/buckets/{bucketName}/backups/{backupName}</c>, Incus only. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.Target"/>.</summary>
    /// <param name="poolName">The path's <c>poolName</c>.</param>
    /// <param name="bucketName">The path's <c>bucketName</c>.</param>
    /// <param name="backupName">The path's <c>backupName</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<LxdStorageBucketBackup>> StoragePoolBucketsBackupGetAsync(string poolName, string bucketName, string backupName, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.StoragePoolBucketsBackupGet, Path($"/1.0/storage-pools/{poolName}/buckets/{bucketName}/backups/{backupName}"), null, call, LxdJson.Default.LxdStorageBucketBackup, cancellationToken);

    /// <summary><c>POST /1.0/storage-pools/{poolName}/buckets/{bucketName}/backups/{backupName}</c>, Incus only. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.Target"/>.</summary>
    /// <param name="poolName">The path's <c>poolName</c>.</param>
    /// <param name="bucketName">The path's <c>bucketName</c>.</param>
    /// <param name="backupName">The path's <c>backupName</c>.</param>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdOperation> StoragePoolBucketsBackupPostAsync(string poolName, string bucketName, string backupName, LxdStorageBucketBackupPost body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        BeginAsync(LxdApi.StoragePoolBucketsBackupPost, Path($"/1.0/storage-pools/{poolName}/buckets/{bucketName}/backups/{backupName}"), null, call, Json(body, LxdJson.Default.LxdStorageBucketBackupPost), cancellationToken);

    /// <summary><c>GET /1.0/storage-pools/{poolName}/buckets/{bucketName}/backups</c>, Incus only. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.Target"/>.</summary>
    /// <param name="poolName">The path's <c>poolName</c>.</param>
    /// <param name="bucketName">The path's <c>bucketName</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<IList<string>>> StoragePoolBucketsBackupsGetAsync(string poolName, string bucketName, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.StoragePoolBucketsBackupsGet, Path($"/1.0/storage-pools/{poolName}/buckets/{bucketName}/backups"), null, call, LxdJson.Default.ListOfString, cancellationToken);

    /// <summary><c>GET /1.0/storage-pools/{poolName}/buckets/{bucketName}/backups?recursion=1</c>, Incus only. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.Target"/>.</summary>
    /// <param name="poolName">The path's <c>poolName</c>.</param>
    /// <param name="bucketName">The path's <c>bucketName</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<IList<LxdStorageBucketBackup>>> StoragePoolBucketsBackupsGetRecursion1Async(string poolName, string bucketName, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.StoragePoolBucketsBackupsGetRecursion1, Path($"/1.0/storage-pools/{poolName}/buckets/{bucketName}/backups"), "recursion=1", call, LxdJson.Default.ListOfLxdStorageBucketBackup, cancellationToken);

    /// <summary><c>POST /1.0/storage-pools/{poolName}/buckets/{bucketName}/backups</c>, Incus only. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.Target"/>.</summary>
    /// <param name="poolName">The path's <c>poolName</c>.</param>
    /// <param name="bucketName">The path's <c>bucketName</c>.</param>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdOperation> StoragePoolBucketsBackupsPostAsync(string poolName, string bucketName, LxdStorageBucketBackupsPost body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        BeginAsync(LxdApi.StoragePoolBucketsBackupsPost, Path($"/1.0/storage-pools/{poolName}/buckets/{bucketName}/backups"), null, call, Json(body, LxdJson.Default.LxdStorageBucketBackupsPost), cancellationToken);

    /// <summary><c>GET /1.0/storage-pools/{poolName}/buckets</c>, Incus only. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.AllProjects"/>, <see cref="LxdCall.Filter"/>.</summary>
    /// <param name="poolName">The path's <c>poolName</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<IList<string>>> StoragePoolBucketsGetAsync(string poolName, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.StoragePoolBucketsGet, Path($"/1.0/storage-pools/{poolName}/buckets"), null, call, LxdJson.Default.ListOfString, cancellationToken);

    /// <summary><c>GET /1.0/storage-pools/{poolName}/buckets?recursion=1</c>, Incus only. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.AllProjects"/>, <see cref="LxdCall.Filter"/>.</summary>
    /// <param name="poolName">The path's <c>poolName</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<IList<LxdStorageBucket>>> StoragePoolBucketsGetRecursion1Async(string poolName, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.StoragePoolBucketsGetRecursion1, Path($"/1.0/storage-pools/{poolName}/buckets"), "recursion=1", call, LxdJson.Default.ListOfLxdStorageBucket, cancellationToken);
}
