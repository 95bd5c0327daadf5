// Written by eng/generate-lxd from rest-api.yaml of LXD 5.0.2 and Incus 6.0.4.
#nullable enable
using System.Text.Json;
using Hypervisor.Sdk.Transport;
using Hypervisor.Sdk.Transport.Http;
using Hypervisor.Sdk.Transport.WebSockets;

namespace Hypervisor.Sdk.Lxd;

public sealed partial class LxdClient
{
    /// <summary><c>GET /1.0/instances/{name}/access</c>, Incus only. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<IList<LxdAccessEntry>>> InstanceAccessAsync(string name, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.InstanceAccess, Path($"/1.0/instances/{name}/access"), null, call, LxdJson.Default.ListOfLxdAccessEntry, cancellationToken);

    /// <summary><c>DELETE /1.0/instances/{name}/backups/{backup}</c>. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="backup">The path's <c>backup</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdOperation> InstanceBackupDeleteAsync(string name, string backup, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        BeginAsync(LxdApi.InstanceBackupDelete, Path($"/1.0/instances/{name}/backups/{backup}"), null, call, cancellationToken);

    /// <summary><c>GET /1.0/instances/{name}/backups/{backup}/export</c>. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="backup">The path's <c>backup</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<HttpResponse> InstanceBackupExportAsync(string name, string backup, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        OpenAsync(LxdApi.InstanceBackupExport, Path($"/1.0/instances/{name}/backups/{backup}/export"), null, call, cancellationToken);

    /// <summary><c>GET /1.0/instances/{name}/backups/{backup}</c>. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="backup">The path's <c>backup</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<LxdInstanceBackup>> InstanceBackupGetAsync(string name, string backup, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.InstanceBackupGet, Path($"/1.0/instances/{name}/backups/{backup}"), null, call, LxdJson.Default.LxdInstanceBackup, cancellationToken);

    /// <summary><c>POST /1.0/instances/{name}/backups/{backup}</c>. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="backup">The path's <c>backup</c>.</param>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdOperation> InstanceBackupPostAsync(string name, string backup, LxdInstanceBackupPost body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        BeginAsync(LxdApi.InstanceBackupPost, Path($"/1.0/instances/{name}/backups/{backup}"), null, call, Json(body, LxdJson.Default.LxdInstanceBackupPost), cancellationToken);

    /// <summary><c>GET /1.0/instances/{name}/backups</c>. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<IList<string>>> InstanceBackupsGetAsync(string name, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.InstanceBackupsGet, Path($"/1.0/instances/{name}/backups"), null, call, LxdJson.Default.ListOfString, cancellationToken);

    /// <summary><c>GET /1.0/instances/{name}/backups?recursion=1</c>. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<IList<LxdInstanceBackup>>> InstanceBackupsGetRecursion1Async(string name, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.InstanceBackupsGetRecursion1, Path($"/1.0/instances/{name}/backups"), "recursion=1", call, LxdJson.Default.ListOfLxdInstanceBackup, cancellationToken);

    /// <summary><c>POST /1.0/instances/{name}/backups</c>. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdOperation> InstanceBackupsPostAsync(string name, LxdInstanceBackupsPost body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        BeginAsync(LxdApi.InstanceBackupsPost, Path($"/1.0/instances/{name}/backups"), null, call, Json(body, LxdJson.Default.LxdInstanceBackupsPost), cancellationToken);

    /// <summary><c>DELETE /1.0/instances/{name}/console</c>. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task InstanceConsoleDeleteAsync(string name, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.InstanceConsoleDelete, Path($"/1.0/instances/{name}/console"), null, call, cancellationToken);

    /// <summary><c>GET /1.0/instances/{name}/console</c>. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.Type"/>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<HttpResponse> InstanceConsoleGetAsync(string name, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        OpenAsync(LxdApi.InstanceConsoleGet, Path($"/1.0/instances/{name}/console"), null, call, cancellationToken);

    /// <summary><c>POST /1.0/instances/{name}/console</c>. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdOperation> InstanceConsolePostAsync(string name, LxdInstanceConsolePost body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        BeginAsync(LxdApi.InstanceConsolePost, Path($"/1.0/instances/{name}/console"), null, call, Json(body, LxdJson.Default.LxdInstanceConsolePost), cancellationToken);

    /// <summary><c>GET /1.0/instances/{name}/debug/memory</c>, Incus only. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.Format"/>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<HttpResponse> InstanceDebugMemoryGetAsync(string name, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        OpenAsync(LxdApi.InstanceDebugMemoryGet, Path($"/1.0/instances/{name}/debug/memory"), null, call, cancellationToken);

    /// <summary><c>DELETE /1.0/instances/{name}</c>. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdOperation> InstanceDeleteAsync(string name, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        BeginAsync(LxdApi.InstanceDelete, Path($"/1.0/instances/{name}"), null, call, cancellationToken);

    /// <summary><c>DELETE /1.0/instances/{name}/logs/exec-output/{filename}</c>, Incus only. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="filename">The path's <c>filename</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task InstanceExecOutputDeleteAsync(string name, string filename, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.InstanceExecOutputDelete, Path($"/1.0/instances/{name}/logs/exec-output/{filename}"), null, call, cancellationToken);

    /// <summary><c>GET /1.0/instances/{name}/logs/exec-output/{filename}</c>, Incus only. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="filename">The path's <c>filename</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<HttpResponse> InstanceExecOutputGetAsync(string name, string filename, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        OpenAsync(LxdApi.InstanceExecOutputGet, Path($"/1.0/instances/{name}/logs/exec-output/{filename}"), null, call, cancellationToken);

    /// <summary><c>GET /1.0/instances/{name}/logs/exec-output</c>, Incus only. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<IList<string>>> InstanceExecOutputsGetAsync(string name, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.InstanceExecOutputsGet, Path($"/1.0/instances/{name}/logs/exec-output"), null, call, LxdJson.Default.ListOfString, cancellationToken);

    /// <summary><c>POST /1.0/instances/{name}/exec</c>. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdOperation> InstanceExecPostAsync(string name, LxdInstanceExecPost body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        BeginAsync(LxdApi.InstanceExecPost, Path($"/1.0/instances/{name}/exec"), null, call, Json(body, LxdJson.Default.LxdInstanceExecPost), cancellationToken);

    /// <summary><c>DELETE /1.0/instances/{name}/files</c>. The call may carry <see cref="LxdCall.Path"/>, <see cref="LxdCall.Project"/>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task InstanceFilesDeleteAsync(string name, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.InstanceFilesDelete, Path($"/1.0/instances/{name}/files"), null, call, cancellationToken);

    /// <summary><c>GET /1.0/instances/{name}/files</c>. The call may carry <see cref="LxdCall.Path"/>, <see cref="LxdCall.Project"/>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<HttpResponse> InstanceFilesGetAsync(string name, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        OpenAsync(LxdApi.InstanceFilesGet, Path($"/1.0/instances/{name}/files"), null, call, cancellationToken);

    /// <summary><c>HEAD /1.0/instances/{name}/files</c>. The call may carry <see cref="LxdCall.Path"/>, <see cref="LxdCall.Project"/>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<HttpResponse> InstanceFilesHeadAsync(string name, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        OpenAsync(LxdApi.InstanceFilesHead, Path($"/1.0/instances/{name}/files"), null, call, cancellationToken);

    /// <summary><c>POST /1.0/instances/{name}/files</c>. The call may carry <see cref="LxdCall.Path"/>, <see cref="LxdCall.Project"/>, <see cref="LxdCall.HeaderUid"/>, <see cref="LxdCall.HeaderGid"/>, <see cref="LxdCall.HeaderMode"/>, <see cref="LxdCall.HeaderType"/>, <see cref="LxdCall.HeaderWrite"/>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="body">What is sent as it is.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task InstanceFilesPostAsync(string name, HttpRequestBody body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.InstanceFilesPost, Path($"/1.0/instances/{name}/files"), null, call, body, cancellationToken);

    /// <summary><c>GET /1.0/instances/{name}</c>. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<LxdInstance>> InstanceGetAsync(string name, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.InstanceGet, Path($"/1.0/instances/{name}"), null, call, LxdJson.Default.LxdInstance, cancellationToken);

    /// <summary><c>GET /1.0/instances/{name}?recursion=1</c>. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<LxdInstance>> InstanceGetRecursion1Async(string name, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.InstanceGetRecursion1, Path($"/1.0/instances/{name}"), "recursion=1", call, LxdJson.Default.LxdInstance, cancellationToken);

    /// <summary><c>DELETE /1.0/instances/{name}/logs/{filename}</c>. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="filename">The path's <c>filename</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task InstanceLogDeleteAsync(string name, string filename, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.InstanceLogDelete, Path($"/1.0/instances/{name}/logs/{filename}"), null, call, cancellationToken);

    /// <summary><c>GET /1.0/instances/{name}/logs/{filename}</c>. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="filename">The path's <c>filename</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<HttpResponse> InstanceLogGetAsync(string name, string filename, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        OpenAsync(LxdApi.InstanceLogGet, Path($"/1.0/instances/{name}/logs/{filename}"), null, call, cancellationToken);

    /// <summary><c>GET /1.0/instances/{name}/logs</c>. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<IList<string>>> InstanceLogsGetAsync(string name, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.InstanceLogsGet, Path($"/1.0/instances/{name}/logs"), null, call, LxdJson.Default.ListOfString, cancellationToken);

    /// <summary><c>GET /1.0/instances/{name}/metadata</c>. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<LxdImageMetadata>> InstanceMetadataGetAsync(string name, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.InstanceMetadataGet, Path($"/1.0/instances/{name}/metadata"), null, call, LxdJson.Default.LxdImageMetadata, cancellationToken);

    /// <summary><c>PATCH /1.0/instances/{name}/metadata</c>. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task InstanceMetadataPatchAsync(string name, LxdImageMetadata body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.InstanceMetadataPatch, Path($"/1.0/instances/{name}/metadata"), null, call, Json(body, LxdJson.Default.LxdImageMetadata), cancellationToken);

    /// <summary><c>PUT /1.0/instances/{name}/metadata</c>. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task InstanceMetadataPutAsync(string name, LxdImageMetadata body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.InstanceMetadataPut, Path($"/1.0/instances/{name}/metadata"), null, call, Json(body, LxdJson.Default.LxdImageMetadata), cancellationToken);

    /// <summary><c>DELETE /1.0/instances/{name}/metadata/templates</c>. The call may carry <see cref="LxdCall.Path"/>, <see cref="LxdCall.Project"/>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task InstanceMetadataTemplatesDeleteAsync(string name, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.InstanceMetadataTemplatesDelete, Path($"/1.0/instances/{name}/metadata/templates"), null, call, cancellationToken);

    /// <summary><c>GET /1.0/instances/{name}/metadata/templates</c>. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.Path"/>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<HttpResponse> InstanceMetadataTemplatesGetAsync(string name, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        OpenAsync(LxdApi.InstanceMetadataTemplatesGet, Path($"/1.0/instances/{name}/metadata/templates"), null, call, cancellationToken);

    /// <summary><c>POST /1.0/instances/{name}/metadata/templates</c>. The call may carry <see cref="LxdCall.Path"/>, <see cref="LxdCall.Project"/>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="body">What is sent as it is.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task InstanceMetadataTemplatesPostAsync(string name, HttpRequestBody body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.InstanceMetadataTemplatesPost, Path($"/1.0/instances/{name}/metadata/templates"), null, call, body, cancellationToken);

    /// <summary><c>PATCH /1.0/instances/{name}</c>. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task InstancePatchAsync(string name, LxdInstancePut body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.InstancePatch, Path($"/1.0/instances/{name}"), null, call, Json(body, LxdJson.Default.LxdInstancePut), cancellationToken);

    /// <summary><c>POST /1.0/instances/{name}</c>. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdOperation> InstancePostAsync(string name, LxdInstancePost body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        BeginAsync(LxdApi.InstancePost, Path($"/1.0/instances/{name}"), null, call, Json(body, LxdJson.Default.LxdInstancePost), cancellationToken);

    /// <summary><c>PUT /1.0/instances/{name}</c>. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdOperation> InstancePutAsync(string name, LxdInstancePut body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        BeginAsync(LxdApi.InstancePut, Path($"/1.0/instances/{name}"), null, call, Json(body, LxdJson.Default.LxdInstancePut), cancellationToken);

    /// <summary><c>POST /1.0/instances/{name}/rebuild</c>, Incus only. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdOperation?> InstanceRebuildPostAsync(string name, LxdInstanceRebuildPost body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendOrBeginAsync(LxdApi.InstanceRebuildPost, Path($"/1.0/instances/{name}/rebuild"), null, call, Json(body, LxdJson.Default.LxdInstanceRebuildPost), cancellationToken);

    /// <summary><c>GET /1.0/instances/{name}/sftp</c>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<Connection> InstanceSftpAsync(string name, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        OpenConnectionAsync(LxdApi.InstanceSftp, Path($"/1.0/instances/{name}/sftp"), null, call, cancellationToken);

    /// <summary><c>DELETE /1.0/instances/{name}/snapshots/{snapshot}</c>. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="snapshot">The path's <c>snapshot</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdOperation> InstanceSnapshotDeleteAsync(string name, string snapshot, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        BeginAsync(LxdApi.InstanceSnapshotDelete, Path($"/1.0/instances/{name}/snapshots/{snapshot}"), null, call, cancellationToken);

    /// <summary><c>GET /1.0/instances/{name}/snapshots/{snapshot}</c>. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="snapshot">The path's <c>snapshot</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<LxdInstanceSnapshot>> InstanceSnapshotGetAsync(string name, string snapshot, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.InstanceSnapshotGet, Path($"/1.0/instances/{name}/snapshots/{snapshot}"), null, call, LxdJson.Default.LxdInstanceSnapshot, cancellationToken);

    /// <summary><c>PATCH /1.0/instances/{name}/snapshots/{snapshot}</c>. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="snapshot">The path's <c>snapshot</c>.</param>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdOperation> InstanceSnapshotPatchAsync(string name, string snapshot, LxdInstanceSnapshotPut body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        BeginAsync(LxdApi.InstanceSnapshotPatch, Path($"/1.0/instances/{name}/snapshots/{snapshot}"), null, call, Json(body, LxdJson.Default.LxdInstanceSnapshotPut), cancellationToken);

    /// <summary><c>POST /1.0/instances/{name}/snapshots/{snapshot}</c>. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="snapshot">The path's <c>snapshot</c>.</param>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdOperation> InstanceSnapshotPostAsync(string name, string snapshot, LxdInstanceSnapshotPost body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        BeginAsync(LxdApi.InstanceSnapshotPost, Path($"/1.0/instances/{name}/snapshots/{snapshot}"), null, call, Json(body, LxdJson.Default.LxdInstanceSnapshotPost), cancellationToken);

    /// <summary><c>PUT /1.0/instances/{name}/snapshots/{snapshot}</c>. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="snapshot">The path's <c>snapshot</c>.</param>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdOperation> InstanceSnapshotPutAsync(string name, string snapshot, LxdInstanceSnapshotPut body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        BeginAsync(LxdApi.InstanceSnapshotPut, Path($"/1.0/instances/{name}/snapshots/{snapshot}"), null, call, Json(body, LxdJson.Default.LxdInstanceSnapshotPut), cancellationToken);

    /// <summary><c>GET /1.0/instances/{name}/snapshots</c>. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<IList<string>>> InstanceSnapshotsGetAsync(string name, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.InstanceSnapshotsGet, Path($"/1.0/instances/{name}/snapshots"), null, call, LxdJson.Default.ListOfString, cancellationToken);

    /// <summary><c>GET /1.0/instances/{name}/snapshots?recursion=1</c>. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<IList<LxdInstanceSnapshot>>> InstanceSnapshotsGetRecursion1Async(string name, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.InstanceSnapshotsGetRecursion1, Path($"/1.0/instances/{name}/snapshots"), "recursion=1", call, LxdJson.Default.ListOfLxdInstanceSnapshot, cancellationToken);

    /// <summary><c>POST /1.0/instances/{name}/snapshots</c>. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdOperation> InstanceSnapshotsPostAsync(string name, LxdInstanceSnapshotsPost body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        BeginAsync(LxdApi.InstanceSnapshotsPost, Path($"/1.0/instances/{name}/snapshots"), null, call, Json(body, LxdJson.Default.LxdInstanceSnapshotsPost), cancellationToken);

    /// <summary><c>GET /1.0/instances/{name}/state</c>. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<LxdInstanceState>> InstanceStateGetAsync(string name, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.InstanceStateGet, Path($"/1.0/instances/{name}/state"), null, call, LxdJson.Default.LxdInstanceState, cancellationToken);

    /// <summary><c>PUT /1.0/instances/{name}/state</c>. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdOperation> InstanceStatePutAsync(string name, LxdInstanceStatePut body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        BeginAsync(LxdApi.InstanceStatePut, Path($"/1.0/instances/{name}/state"), null, call, Json(body, LxdJson.Default.LxdInstanceStatePut), cancellationToken);

    /// <summary><c>GET /1.0/instances</c>. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.Filter"/>, <see cref="LxdCall.AllProjects"/>.</summary>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<IList<string>>> InstancesGetAsync(LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.InstancesGet, Path($"/1.0/instances"), null, call, LxdJson.Default.ListOfString, cancellationToken);

    /// <summary><c>GET /1.0/instances?recursion=1</c>. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.Filter"/>, <see cref="LxdCall.AllProjects"/>.</summary>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<IList<LxdInstance>>> InstancesGetRecursion1Async(LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.InstancesGetRecursion1, Path($"/1.0/instances"), "recursion=1", call, LxdJson.Default.ListOfLxdInstance, cancellationToken);

    /// <summary><c>GET /1.0/instances?recursion=2</c>. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.Filter"/>, <see cref="LxdCall.AllProjects"/>.</summary>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<IList<LxdInstanceFull>>> InstancesGetRecursion2Async(LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.InstancesGetRecursion2, Path($"/1.0/instances"), "recursion=2", call, LxdJson.Default.ListOfLxdInstanceFull, cancellationToken);

    /// <summary><c>POST /1.0/instances</c>. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.Target"/>.</summary>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdOperation> InstancesPostAsync(LxdInstancesPost body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        BeginAsync(LxdApi.InstancesPost, Path($"/1.0/instances"), null, call, Json(body, LxdJson.Default.LxdInstancesPost), cancellationToken);

    /// <summary><c>POST /1.0/instances</c>. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.Target"/>.</summary>
    /// <param name="body">What is sent as it is.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdOperation> InstancesPostAsync(HttpRequestBody body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        BeginAsync(LxdApi.InstancesPost, Path($"/1.0/instances"), null, call, body, cancellationToken);

    /// <summary><c>PUT /1.0/instances</c>. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdOperation> InstancesPutAsync(LxdInstancesPut body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        BeginAsync(LxdApi.InstancesPut, Path($"/1.0/instances"), null, call, Json(body, LxdJson.Default.LxdInstancesPut), cancellationToken);
}
