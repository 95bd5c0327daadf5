// Written by eng/generate-lxd from rest-api.yaml of LXD 5.0.2 and Incus 6.0.4.
#nullable enable
using System.Text.Json;
using Hypervisor.Sdk.Transport;
using Hypervisor.Sdk.Transport.Http;
using Hypervisor.Sdk.Transport.WebSockets;

namespace Hypervisor.Sdk.Lxd;

public sealed partial class LxdClient
{
    /// <summary><c>DELETE /1.0/storage-pools/{poolName}/volumes/{type}/{volumeName}</c>. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.Target"/>.</summary>
    /// <param name="poolName">The path's <c>poolName</c>.</param>
    /// <param name="type">The path's <c>type</c>.</param>
    /// <param name="volumeName">The path's <c>volumeName</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task StoragePoolVolumeTypeDeleteAsync(string poolName, string type, string volumeName, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.StoragePoolVolumeTypeDelete, Path($"/1.0/storage-pools/{poolName}/volumes/{type}/{volumeName}"), null, call, cancellationToken);

    /// <summary><c>GET /1.0/storage-pools/{poolName}/volumes/{type}/{volumeName}</c>. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.Target"/>.</summary>
    /// <param name="poolName">The path's <c>poolName</c>.</param>
    /// <param name="type">The path's <c>type</c>.</param>
    /// <param name="volumeName">The path's <c>volumeName</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<LxdStorageVolume>> StoragePoolVolumeTypeGetAsync(string poolName, string type, string volumeName, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.StoragePoolVolumeTypeGet, Path($"/1.0/storage-pools/{poolName}/volumes/{type}/{volumeName}"), null, call, LxdJson.Default.LxdStorageVolume, cancellationToken);

    /// <summary><c>PATCH /1.0/storage-pools/{poolName}/volumes/{type}/{volumeName}</c>. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.Target"/>.</summary>
    /// <param name="poolName">The path's <c>poolName</c>.</param>
    /// <param name="type">The path's <c>type</c>.</param>
    /// <param name="volumeName">The path's <c>volumeName</c>.</param>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task StoragePoolVolumeTypePatchAsync(string poolName, string type, string volumeName, LxdStorageVolumePut body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.StoragePoolVolumeTypePatch, Path($"/1.0/storage-pools/{poolName}/volumes/{type}/{volumeName}"), null, call, Json(body, LxdJson.Default.LxdStorageVolumePut), cancellationToken);

    /// <summary><c>POST /1.0/storage-pools/{poolName}/volumes/{type}/{volumeName}</c>. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.Target"/>.</summary>
    /// <param name="poolName">The path's <c>poolName</c>.</param>
    /// <param name="type">The path's <c>type</c>.</param>
    /// <param name="volumeName">The path's <c>volumeName</c>.</param>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdOperation> StoragePoolVolumeTypePostAsync(string poolName, string type, string volumeName, LxdStorageVolumePost body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        BeginAsync(LxdApi.StoragePoolVolumeTypePost, Path($"/1.0/storage-pools/{poolName}/volumes/{type}/{volumeName}"), null, call, Json(body, LxdJson.Default.LxdStorageVolumePost), cancellationToken);

    /// <summary><c>PUT /1.0/storage-pools/{poolName}/volumes/{type}/{volumeName}</c>. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.Target"/>.</summary>
    /// <param name="poolName">The path's <c>poolName</c>.</param>
    /// <param name="type">The path's <c>type</c>.</param>
    /// <param name="volumeName">The path's <c>volumeName</c>.</param>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task StoragePoolVolumeTypePutAsync(string poolName, string type, string volumeName, LxdStorageVolumePut body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.StoragePoolVolumeTypePut, Path($"/1.0/storage-pools/{poolName}/volumes/{type}/{volumeName}"), null, call, Json(body, LxdJson.Default.LxdStorageVolumePut), cancellationToken);

    /// <summary><c>GET /1.0/storage-pools/{poolName}/volumes/{type}/{volumeName}/state</c>. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.Target"/>.</summary>
    /// <param name="poolName">The path's <c>poolName</c>.</param>
    /// <param name="type">The path's <c>type</c>.</param>
    /// <param name="volumeName">The path's <c>volumeName</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<LxdStorageVolumeState>> StoragePoolVolumeTypeStateGetAsync(string poolName, string type, string volumeName, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.StoragePoolVolumeTypeStateGet, Path($"/1.0/storage-pools/{poolName}/volumes/{type}/{volumeName}/state"), null, call, LxdJson.Default.LxdStorageVolumeState, cancellationToken);

    /// <summary><c>GET /1.0/storage-pools/{poolName}/volumes</c>. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.Target"/>, <see cref="LxdCall.Filter"/>.</summary>
    /// <param name="poolName">The path's <c>poolName</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<IList<string>>> StoragePoolVolumesGetAsync(string poolName, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.StoragePoolVolumesGet, Path($"/1.0/storage-pools/{poolName}/volumes"), null, call, LxdJson.Default.ListOfString, cancellationToken);

    /// <summary><c>GET /1.0/storage-pools/{poolName}/volumes?recursion=1</c>. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.Target"/>, <see cref="LxdCall.Filter"/>.</summary>
    /// <param name="poolName">The path's <c>poolName</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<IList<LxdStorageVolume>>> StoragePoolVolumesGetRecursion1Async(string poolName, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.StoragePoolVolumesGetRecursion1, Path($"/1.0/storage-pools/{poolName}/volumes"), "recursion=1", call, LxdJson.Default.ListOfLxdStorageVolume, cancellationToken);

    /// <summary><c>POST /1.0/storage-pools/{poolName}/volumes</c>. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.Target"/>.</summary>
    /// <param name="poolName">The path's <c>poolName</c>.</param>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdOperation?> StoragePoolVolumesPostAsync(string poolName, LxdStorageVolumesPost body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendOrBeginAsync(LxdApi.StoragePoolVolumesPost, Path($"/1.0/storage-pools/{poolName}/volumes"), null, call, Json(body, LxdJson.Default.LxdStorageVolumesPost), cancellationToken);

    /// <summary><c>DELETE /1.0/storage-pools/{poolName}/volumes/{type}/{volumeName}/backups/{backupName}</c>. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.Target"/>.</summary>
    /// <param name="poolName">The path's <c>poolName</c>.</param>
    /// <param name="type">The path's <c>type</c>.</param>
    /// <param name="volumeName">The path's <c>volumeName</c>.</param>
    /// <param name="backupName">The path's <c>backupName</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdOperation> StoragePoolVolumesTypeBackupDeleteAsync(string poolName, string type, string volumeName, string backupName, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        BeginAsync(LxdApi.StoragePoolVolumesTypeBackupDelete, Path($"/1.0/storage-pools/{poolName}/volumes/{type}/{volumeName}/backups/{backupName}"), null, call, cancellationToken);

    /// <summary><c>GET /1.0/storage-pools/{poolName}/volumes/{type}/{volumeName}/backups/{backupName}/export</c>. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.Target"/>.</summary>
    /// <param name="poolName">The path's <c>poolName</c>.</param>
    /// <param name="type">The path's <c>type</c>.</param>
    /// <param name="volumeName">The path's <c>volumeName</c>.</param>
    /// <param name="backupName">The path's <c>backupName</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<HttpResponse> StoragePoolVolumesTypeBackupExportGetAsync(string poolName, string type, string volumeName, string backupName, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        OpenAsync(LxdApi.StoragePoolVolumesTypeBackupExportGet, Path($"/1.0/storage-pools/{poolName}/volumes/{type}/{volumeName}/backups/{backupName}/export"), null, call, cancellationToken);

    /// <summary><c>GET /1.0/storage-pools/{poolName}/volumes/{type}/{volumeName}/backups/{backupName}</c>. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.Target"/>.</summary>
    /// <param name="poolName">The path's <c>poolName</c>.</param>
    /// <param name="type">The path's <c>type</c>.</param>
    /// <param name="volumeName">The path's <c>volumeName</c>.</param>
    /// <param name="backupName">The path's <c>backupName</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<LxdStorageVolumeBackup>> StoragePoolVolumesTypeBackupGetAsync(string poolName, string type, string volumeName, string backupName, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.StoragePoolVolumesTypeBackupGet, Path($"/1.0/storage-pools/{poolName}/volumes/{type}/{volumeName}/backups/{backupName}"), null, call, LxdJson.Default.LxdStorageVolumeBackup, cancellationToken);

    /// <summary><c>POST /1.0/storage-pools/{poolName}/volumes/{type}/{volumeName}/backups/{backupName}</c>. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.Target"/>.</summary>
    /// <param name="poolName">The path's <c>poolName</c>.</param>
    /// <param name="type">The path's <c>type</c>.</param>
    /// <param name="volumeName">The path's <c>volumeName</c>.</param>
    /// <param name="backupName">The path's <c>backupName</c>.</param>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdOperation> StoragePoolVolumesTypeBackupPostAsync(string poolName, string type, string volumeName, string backupName, LxdStorageVolumeSnapshotPost body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        BeginAsync(LxdApi.StoragePoolVolumesTypeBackupPost, Path($"/1.0/storage-pools/{poolName}/volumes/{type}/{volumeName}/backups/{backupName}"), null, call, Json(body, LxdJson.Default.LxdStorageVolumeSnapshotPost), cancellationToken);

    /// <summary><c>GET /1.0/storage-pools/{poolName}/volumes/{type}/{volumeName}/backups</c>. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.Target"/>.</summary>
    /// <param name="poolName">The path's <c>poolName</c>.</param>
    /// <param name="type">The path's <c>type</c>.</param>
    /// <param name="volumeName">The path's <c>volumeName</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<IList<string>>> StoragePoolVolumesTypeBackupsGetAsync(string poolName, string type, string volumeName, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.StoragePoolVolumesTypeBackupsGet, Path($"/1.0/storage-pools/{poolName}/volumes/{type}/{volumeName}/backups"), null, call, LxdJson.Default.ListOfString, cancellationToken);

    /// <summary><c>GET /1.0/storage-pools/{poolName}/volumes/{type}/{volumeName}/backups?recursion=1</c>. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.Target"/>.</summary>
    /// <param name="poolName">The path's <c>poolName</c>.</param>
    /// <param name="type">The path's <c>type</c>.</param>
    /// <param name="volumeName">The path's <c>volumeName</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<IList<LxdStorageVolumeBackup>>> StoragePoolVolumesTypeBackupsGetRecursion1Async(string poolName, string type, string volumeName, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.StoragePoolVolumesTypeBackupsGetRecursion1, Path($"/1.0/storage-pools/{poolName}/volumes/{type}/{volumeName}/backups"), "recursion=1", call, LxdJson.Default.ListOfLxdStorageVolumeBackup, cancellationToken);

    /// <summary><c>POST /1.0/storage-pools/{poolName}/volumes/{type}/{volumeName}/backups</c>. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.Target"/>.</summary>
    /// <param name="poolName">The path's <c>poolName</c>.</param>
    /// <param name="type">The path's <c>type</c>.</param>
    /// <param name="volumeName">The path's <c>volumeName</c>.</param>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdOperation> StoragePoolVolumesTypeBackupsPostAsync(string poolName, string type, string volumeName, LxdStorageVolumeBackupsPost body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        BeginAsync(LxdApi.StoragePoolVolumesTypeBackupsPost, Path($"/1.0/storage-pools/{poolName}/volumes/{type}/{volumeName}/backups"), null, call, Json(body, LxdJson.Default.LxdStorageVolumeBackupsPost), cancellationToken);

    /// <summary><c>GET /1.0/storage-pools/{poolName}/volumes/{type}</c>. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.Target"/>.</summary>
    /// <param name="poolName">The path's <c>poolName</c>.</param>
    /// <param name="type">The path's <c>type</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<IList<string>>> StoragePoolVolumesTypeGetAsync(string poolName, string type, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.StoragePoolVolumesTypeGet, Path($"/1.0/storage-pools/{poolName}/volumes/{type}"), null, call, LxdJson.Default.ListOfString, cancellationToken);

    /// <summary><c>GET /1.0/storage-pools/{poolName}/volumes/{type}?recursion=1</c>. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.Target"/>.</summary>
    /// <param name="poolName">The path's <c>poolName</c>.</param>
    /// <param name="type">The path's <c>type</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<IList<LxdStorageVolume>>> StoragePoolVolumesTypeGetRecursion1Async(string poolName, string type, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.StoragePoolVolumesTypeGetRecursion1, Path($"/1.0/storage-pools/{poolName}/volumes/{type}"), "recursion=1", call, LxdJson.Default.ListOfLxdStorageVolume, cancellationToken);

    /// <summary><c>POST /1.0/storage-pools/{poolName}/volumes/{type}</c>. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.Target"/>.</summary>
    /// <param name="poolName">The path's <c>poolName</c>.</param>
    /// <param name="type">The path's <c>type</c>.</param>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdOperation?> StoragePoolVolumesTypePostAsync(string poolName, string type, LxdStorageVolumesPost body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendOrBeginAsync(LxdApi.StoragePoolVolumesTypePost, Path($"/1.0/storage-pools/{poolName}/volumes/{type}"), null, call, Json(body, LxdJson.Default.LxdStorageVolumesPost), cancellationToken);

    /// <summary><c>DELETE /1.0/storage-pools/{poolName}/volumes/{type}/{volumeName}/snapshots/{snapshotName}</c>. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.Target"/>.</summary>
    /// <param name="poolName">The path's <c>poolName</c>.</param>
    /// <param name="type">The path's <c>type</c>.</param>
    /// <param name="volumeName">The path's <c>volumeName</c>.</param>
    /// <param name="snapshotName">The path's <c>snapshotName</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdOperation> StoragePoolVolumesTypeSnapshotDeleteAsync(string poolName, string type, string volumeName, string snapshotName, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        BeginAsync(LxdApi.StoragePoolVolumesTypeSnapshotDelete, Path($"/1.0/storage-pools/{poolName}/volumes/{type}/{volumeName}/snapshots/{snapshotName}"), null, call, cancellationToken);

    /// <summary><c>GET /1.0/storage-pools/{poolName}/volumes/{type}/{volumeName}/snapshots/{snapshotName}</c>. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.Target"/>.</summary>
    /// <param name="poolName">The path's <c>poolName</c>.</param>
    /// <param name="type">The path's <c>type</c>.</param>
    /// <param name="volumeName">The path's <c>volumeName</c>.</param>
    /// <param name="snapshotName">The path's <c>snapshotName</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<LxdStorageVolumeSnapshot>> StoragePoolVolumesTypeSnapshotGetAsync(string poolName, string type, string volumeName, string snapshotName, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.StoragePoolVolumesTypeSnapshotGet, Path($"/1.0/storage-pools/{poolName}/volumes/{type}/{volumeName}/snapshots/{snapshotName}"), null, call, LxdJson.Default.LxdStorageVolumeSnapshot, cancellationToken);

    /// <summary><c>PATCH /1.0/storage-pools/{poolName}/volumes/{type}/{volumeName}/snapshots/{snapshotName}</c>. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.Target"/>.</summary>
    /// <param name="poolName">The path's <c>poolName</c>.</param>
    /// <param name="type">The path's <c>type</c>.</param>
    /// <param name="volumeName">The path's <c>volumeName</c>.</param>
    /// <param name="snapshotName">The path's <c>snapshotName</c>.</param>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task StoragePoolVolumesTypeSnapshotPatchAsync(string poolName, string type, string volumeName, string snapshotName, LxdStorageVolumeSnapshotPut body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.StoragePoolVolumesTypeSnapshotPatch, Path($"/1.0/storage-pools/{poolName}/volumes/{type}/{volumeName}/snapshots/{snapshotName}"), null, call, Json(body, LxdJson.Default.LxdStorageVolumeSnapshotPut), cancellationToken);

    /// <summary><c>POST /1.0/storage-pools/{poolName}/volumes/{type}/{volumeName}/snapshots/{snapshotName}</c>. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.Target"/>.</summary>
    /// <param name="poolName">The path's <c>poolName</c>.</param>
    /// <param name="type">The path's <c>type</c>.</param>
    /// <param name="volumeName">The path's <c>volumeName</c>.</param>
    /// <param name="snapshotName">The path's <c>snapshotName</c>.</param>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdOperation> StoragePoolVolumesTypeSnapshotPostAsync(string poolName, string type, string volumeName, string snapshotName, LxdStorageVolumeSnapshotPost body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        BeginAsync(LxdApi.StoragePoolVolumesTypeSnapshotPost, Path($"/1.0/storage-pools/{poolName}/volumes/{type}/{volumeName}/snapshots/{snapshotName}"), null, call, Json(body, LxdJson.Default.LxdStorageVolumeSnapshotPost), cancellationToken);

    /// <summary><c>PUT /1.0/storage-pools/{poolName}/volumes/{type}/{volumeName}/snapshots/{snapshotName}</c>. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.Target"/>.</summary>
    /// <param name="poolName">The path's <c>poolName</c>.</param>
    /// <param name="type">The path's <c>type</c>.</param>
    /// <param name="volumeName">The path's <c>volumeName</c>.</param>
    /// <param name="snapshotName">The path's <c>snapshotName</c>.</param>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task StoragePoolVolumesTypeSnapshotPutAsync(string poolName, string type, string volumeName, string snapshotName, LxdStorageVolumeSnapshotPut body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.StoragePoolVolumesTypeSnapshotPut, Path($"/1.0/storage-pools/{poolName}/volumes/{type}/{volumeName}/snapshots/{snapshotName}"), null, call, Json(body, LxdJson.Default.LxdStorageVolumeSnapshotPut), cancellationToken);

    /// <summary><c>GET /1.0/storage-pools/{poolName}/volumes/{type}/{volumeName}/snapshots</c>. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.Target"/>.</summary>
    /// <param name="poolName">The path's <c>poolName</c>.</param>
    /// <param name="type">The path's <c>type</c>.</param>
    /// <param name="volumeName">The path's <c>volumeName</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<IList<string>>> StoragePoolVolumesTypeSnapshotsGetAsync(string poolName, string type, string volumeName, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.StoragePoolVolumesTypeSnapshotsGet, Path($"/1.0/storage-pools/{poolName}/volumes/{type}/{volumeName}/snapshots"), null, call, LxdJson.Default.ListOfString, cancellationToken);

    /// <summary><c>GET /1.0/storage-pools/{poolName}/volumes/{type}/{volumeName}/snapshots?recursion=1</c>. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.Target"/>.</summary>
    /// <param name="poolName">The path's <c>poolName</c>.</param>
    /// <param name="type">The path's <c>type</c>.</param>
    /// <param name="volumeName">The path's <c>volumeName</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<IList<LxdStorageVolumeSnapshot>>> StoragePoolVolumesTypeSnapshotsGetRecursion1Async(string poolName, string type, string volumeName, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.StoragePoolVolumesTypeSnapshotsGetRecursion1, Path($"/1.0/storage-pools/{poolName}/volumes/{type}/{volumeName}/snapshots"), "recursion=1", call, LxdJson.Default.ListOfLxdStorageVolumeSnapshot, cancellationToken);

    /// <summary><c>POST /1.0/storage-pools/{poolName}/volumes/{type}/{volumeName}/snapshots</c>. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.Target"/>.</summary>
    /// <param name="poolName">The path's <c>poolName</c>.</param>
    /// <param name="type">The path's <c>type</c>.</param>
    /// <param name="volumeName">The path's <c>volumeName</c>.</param>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdOperation> StoragePoolVolumesTypeSnapshotsPostAsync(string poolName, string type, string volumeName, LxdStorageVolumeSnapshotsPost body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        BeginAsync(LxdApi.StoragePoolVolumesTypeSnapshotsPost, Path($"/1.0/storage-pools/{poolName}/volumes/{type}/{volumeName}/snapshots"), null, call, Json(body, LxdJson.Default.LxdStorageVolumeSnapshotsPost), cancellationToken);
}
