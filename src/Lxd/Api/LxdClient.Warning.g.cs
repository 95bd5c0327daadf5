// Written by eng/generate-lxd from rest-api.yaml of LXD 5.0.2 and Incus 6.0.4.
#nullable enable
using System.Text.Json;
using Hypervisor.Sdk.Transport;
using Hypervisor.Sdk.Transport.Http;
using Hypervisor.Sdk.Transport.WebSockets;

namespace Hypervisor.Sdk.Lxd;

public sealed partial class LxdClient
{
    /// <summary><c>DELETE /1.0/warnings/{uuid}</c>.</summary>
    /// <param name="uuid">The path's <c>uuid</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task WarningDeleteAsync(string uuid, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.WarningDelete, Path($"/1.0/warnings/{uuid}"), null, call, cancellationToken);

    /// <summary><c>GET /1.0/warnings/{uuid}</c>.</summary>
    /// <param name="uuid">The path's <c>uuid</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<LxdWarning>> WarningGetAsync(string uuid, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.WarningGet, Path($"/1.0/warnings/{uuid}"), null, call, LxdJson.Default.LxdWarning, cancellationToken);

    /// <summary><c>PATCH /1.0/warnings/{uuid}</c>.</summary>
    /// <param name="uuid">The path's <c>uuid</c>.</param>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task WarningPatchAsync(string uuid, LxdWarningPut body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.WarningPatch, Path($"/1.0/warnings/{uuid}"), null, call, Json(body, LxdJson.Default.LxdWarningPut), cancellationToken);

    /// <summary><c>PUT /1.0/warnings/{uuid}</c>.</summary>
    /// <param name="uuid">The path's <c>uuid</c>.</param>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task WarningPutAsync(string uuid, LxdWarningPut body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.WarningPut, Path($"/1.0/warnings/{uuid}"), null, call, Json(body, LxdJson.Default.LxdWarningPut), cancellationToken);

    /// <summary><c>GET /1.0/warnings</c>. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<IList<string>>> WarningsGetAsync(LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.WarningsGet, Path($"/1.0/warnings"), null, call, LxdJson.Default.ListOfString, cancellationToken);

    /// <summary><c>GET /1.0/warnings?recursion=1</c>. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<IList<LxdWarning>>> WarningsGetRecursion1Async(LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.WarningsGetRecursion1, Path($"/1.0/warnings"), "recursion=1", call, LxdJson.Default.ListOfLxdWarning, cancellationToken);
}
