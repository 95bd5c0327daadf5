// Written by eng/generate-lxd from rest-api.yaml of LXD 5.0.2 and Incus 6.0.4.
#nullable enable
using System.Text.Json;
using Hypervisor.Sdk.Transport;
using Hypervisor.Sdk.Transport.Http;
using Hypervisor.Sdk.Transport.WebSockets;

namespace Hypervisor.Sdk.Lxd;

public sealed partial class LxdClient
{
    /// <summary><c>DELETE /1.0/network-integrations/{integration}</c>, Incus only.</summary>
    /// <param name="integration">The path's <c>integration</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task NetworkIntegrationDeleteAsync(string integration, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.NetworkIntegrationDelete, Path($"/1.0/network-integrations/{integration}"), null, call, cancellationToken);

    /// <summary><c>GET /1.0/network-integrations/{integration}</c>, Incus only.</summary>
    /// <param name="integration">The path's <c>integration</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<LxdNetworkIntegration>> NetworkIntegrationGetAsync(string integration, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.NetworkIntegrationGet, Path($"/1.0/network-integrations/{integration}"), null, call, LxdJson.Default.LxdNetworkIntegration, cancellationToken);

    /// <summary><c>PATCH /1.0/network-integrations/{integration}</c>, Incus only.</summary>
    /// <param name="integration">The path's <c>integration</c>.</param>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task NetworkIntegrationPatchAsync(string integration, LxdNetworkIntegrationPut body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.NetworkIntegrationPatch, Path($"/1.0/network-integrations/{integration}"), null, call, Json(body, LxdJson.Default.LxdNetworkIntegrationPut), cancellationToken);

    /// <summary><c>POST /1.0/network-integrations/{integration}</c>, Incus only.</summary>
    /// <param name="integration">The path's <c>integration</c>.</param>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task NetworkIntegrationPostAsync(string integration, LxdNetworkIntegrationPost body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.NetworkIntegrationPost, Path($"/1.0/network-integrations/{integration}"), null, call, Json(body, LxdJson.Default.LxdNetworkIntegrationPost), cancellationToken);

    /// <summary><c>PUT /1.0/network-integrations/{integration}</c>, Incus only.</summary>
    /// <param name="integration">The path's <c>integration</c>.</param>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task NetworkIntegrationPutAsync(string integration, LxdNetworkIntegrationPut body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.NetworkIntegrationPut, Path($"/1.0/network-integrations/{integration}"), null, call, Json(body, LxdJson.Default.LxdNetworkIntegrationPut), cancellationToken);

    /// <summary><c>GET /1.0/network-integrations</c>, Incus only. The call may carry <see cref="LxdCall.Filter"/>.</summary>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<IList<string>>> NetworkIntegrationsGetAsync(LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.NetworkIntegrationsGet, Path($"/1.0/network-integrations"), null, call, LxdJson.Default.ListOfString, cancellationToken);

    /// <summary><c>GET /1.0/network-integrations?recursion=1</c>, Incus only. The call may carry <see cref="LxdCall.Filter"/>.</summary>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<IList<LxdNetworkIntegration>>> NetworkIntegrationsGetRecursion1Async(LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.NetworkIntegrationsGetRecursion1, Path($"/1.0/network-integrations"), "recursion=1", call, LxdJson.Default.ListOfLxdNetworkIntegration, cancellationToken);

    /// <summary><c>POST /1.0/network-integrations</c>, Incus only.</summary>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task NetworkIntegrationsPostAsync(LxdNetworkIntegrationsPost body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.NetworkIntegrationsPost, Path($"/1.0/network-integrations"), null, call, Json(body, LxdJson.Default.LxdNetworkIntegrationsPost), cancellationToken);
}
