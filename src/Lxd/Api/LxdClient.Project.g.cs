// Written by eng/generate-lxd from rest-api.yaml of LXD 5.0.2 and Incus 6.0.4.
#nullable enable
using System.Text.Json;
using Hypervisor.Sdk.Transport;
using Hypervisor.Sdk.Transport.Http;
using Hypervisor.Sdk.Transport.WebSockets;

namespace Hypervisor.Sdk.Lxd;

public sealed partial class LxdClient
{
    /// <summary><c>GET /1.0/projects/{name}/access</c>, Incus only.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<IList<LxdAccessEntry>>> ProjectAccessAsync(string name, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.ProjectAccess, Path($"/1.0/projects/{name}/access"), null, call, LxdJson.Default.ListOfLxdAccessEntry, cancellationToken);

    /// <summary><c>DELETE /1.0/projects/{name}</c>. The call may carry <see cref="LxdCall.Force"/>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task ProjectDeleteAsync(string name, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.ProjectDelete, Path($"/1.0/projects/{name}"), null, call, cancellationToken);

    /// <summary><c>GET /1.0/projects/{name}</c>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<LxdProject>> ProjectGetAsync(string name, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.ProjectGet, Path($"/1.0/projects/{name}"), null, call, LxdJson.Default.LxdProject, cancellationToken);

    /// <summary><c>PATCH /1.0/projects/{name}</c>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task ProjectPatchAsync(string name, LxdProjectPut body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.ProjectPatch, Path($"/1.0/projects/{name}"), null, call, Json(body, LxdJson.Default.LxdProjectPut), cancellationToken);

    /// <summary><c>POST /1.0/projects/{name}</c>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdOperation> ProjectPostAsync(string name, LxdProjectPost body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        BeginAsync(LxdApi.ProjectPost, Path($"/1.0/projects/{name}"), null, call, Json(body, LxdJson.Default.LxdProjectPost), cancellationToken);

    /// <summary><c>PUT /1.0/projects/{name}</c>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task ProjectPutAsync(string name, LxdProjectPut body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.ProjectPut, Path($"/1.0/projects/{name}"), null, call, Json(body, LxdJson.Default.LxdProjectPut), cancellationToken);

    /// <summary><c>GET /1.0/projects/{name}/state</c>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<LxdProjectState>> ProjectStateGetAsync(string name, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.ProjectStateGet, Path($"/1.0/projects/{name}/state"), null, call, LxdJson.Default.LxdProjectState, cancellationToken);

    /// <summary><c>GET /1.0/projects</c>. The call may carry <see cref="LxdCall.Filter"/>.</summary>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<IList<string>>> ProjectsGetAsync(LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.ProjectsGet, Path($"/1.0/projects"), null, call, LxdJson.Default.ListOfString, cancellationToken);

    /// <summary><c>GET /1.0/projects?recursion=1</c>. The call may carry <see cref="LxdCall.Filter"/>.</summary>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<IList<LxdProject>>> ProjectsGetRecursion1Async(LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.ProjectsGetRecursion1, Path($"/1.0/projects"), "recursion=1", call, LxdJson.Default.ListOfLxdProject, cancellationToken);

    /// <summary><c>POST /1.0/projects</c>.</summary>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task ProjectsPostAsync(LxdProjectsPost body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.ProjectsPost, Path($"/1.0/projects"), null, call, Json(body, LxdJson.Default.LxdProjectsPost), cancellationToken);
}
