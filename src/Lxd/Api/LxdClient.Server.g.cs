// Written by eng/generate-lxd from rest-api.yaml of LXD 5.0.2 and Incus 6.0.4.
#nullable enable
using System.Text.Json;
using Hypervisor.Sdk.Transport;
using Hypervisor.Sdk.Transport.Http;
using Hypervisor.Sdk.Transport.WebSockets;

namespace Hypervisor.Sdk.Lxd;

public sealed partial class LxdClient
{
    /// <summary><c>GET /</c>.</summary>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<IList<string>>> ApiGetAsync(LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.ApiGet, Path($"/"), null, call, LxdJson.Default.ListOfString, cancellationToken);

    /// <summary><c>GET /1.0/metrics</c>. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.Target"/>.</summary>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<HttpResponse> MetricsGetAsync(LxdCall? call = null, CancellationToken cancellationToken = default) =>
        OpenAsync(LxdApi.MetricsGet, Path($"/1.0/metrics"), null, call, cancellationToken);

    /// <summary><c>GET /1.0</c>. The call may carry <see cref="LxdCall.Target"/>, <see cref="LxdCall.Project"/>.</summary>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<LxdServer>> ServerGetAsync(LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.ServerGet, Path($"/1.0"), null, call, LxdJson.Default.LxdServer, cancellationToken);

    /// <summary><c>GET /1.0?public</c>.</summary>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<LxdServerUntrusted>> ServerGetUntrustedAsync(LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.ServerGetUntrusted, Path($"/1.0"), "public", call, LxdJson.Default.LxdServerUntrusted, cancellationToken);

    /// <summary><c>PATCH /1.0</c>. The call may carry <see cref="LxdCall.Target"/>.</summary>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task ServerPatchAsync(LxdServerPut body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.ServerPatch, Path($"/1.0"), null, call, Json(body, LxdJson.Default.LxdServerPut), cancellationToken);

    /// <summary><c>PUT /1.0</c>. The call may carry <see cref="LxdCall.Target"/>.</summary>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task ServerPutAsync(LxdServerPut body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.ServerPut, Path($"/1.0"), null, call, Json(body, LxdJson.Default.LxdServerPut), cancellationToken);
}
