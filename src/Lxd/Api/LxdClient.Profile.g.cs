// Written by eng/generate-lxd from rest-api.yaml of LXD 5.0.2 and Incus 6.0.4.
#nullable enable
using System.Text.Json;
using Hypervisor.Sdk.Transport;
using Hypervisor.Sdk.Transport.Http;
using Hypervisor.Sdk.Transport.WebSockets;

namespace Hypervisor.Sdk.Lxd;

public sealed partial class LxdClient
{
    /// <summary><c>DELETE /1.0/profiles/{name}</c>. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task ProfileDeleteAsync(string name, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.ProfileDelete, Path($"/1.0/profiles/{name}"), null, call, cancellationToken);

    /// <summary><c>GET /1.0/profiles/{name}</c>. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<LxdProfile>> ProfileGetAsync(string name, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.ProfileGet, Path($"/1.0/profiles/{name}"), null, call, LxdJson.Default.LxdProfile, cancellationToken);

    /// <summary><c>PATCH /1.0/profiles/{name}</c>. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task ProfilePatchAsync(string name, LxdProfilePut body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.ProfilePatch, Path($"/1.0/profiles/{name}"), null, call, Json(body, LxdJson.Default.LxdProfilePut), cancellationToken);

    /// <summary><c>POST /1.0/profiles/{name}</c>. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task ProfilePostAsync(string name, LxdProfilePost body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.ProfilePost, Path($"/1.0/profiles/{name}"), null, call, Json(body, LxdJson.Default.LxdProfilePost), cancellationToken);

    /// <summary><c>PUT /1.0/profiles/{name}</c>. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="name">The path's <c>name</c>.</param>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task ProfilePutAsync(string name, LxdProfilePut body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.ProfilePut, Path($"/1.0/profiles/{name}"), null, call, Json(body, LxdJson.Default.LxdProfilePut), cancellationToken);

    /// <summary><c>GET /1.0/profiles</c>. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.AllProjects"/>, <see cref="LxdCall.Filter"/>.</summary>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<IList<string>>> ProfilesGetAsync(LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.ProfilesGet, Path($"/1.0/profiles"), null, call, LxdJson.Default.ListOfString, cancellationToken);

    /// <summary><c>GET /1.0/profiles?recursion=1</c>. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.AllProjects"/>, <see cref="LxdCall.Filter"/>.</summary>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<IList<LxdProfile>>> ProfilesGetRecursion1Async(LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.ProfilesGetRecursion1, Path($"/1.0/profiles"), "recursion=1", call, LxdJson.Default.ListOfLxdProfile, cancellationToken);

    /// <summary><c>POST /1.0/profiles</c>. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task ProfilesPostAsync(LxdProfilesPost body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.ProfilesPost, Path($"/1.0/profiles"), null, call, Json(body, LxdJson.Default.LxdProfilesPost), cancellationToken);
}
