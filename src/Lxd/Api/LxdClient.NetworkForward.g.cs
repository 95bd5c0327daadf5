// Written by eng/generate-lxd from rest-api.yaml of LXD 5.0.2 and Incus 6.0.4.
#nullable enable
using System.Text.Json;
using Hypervisor.Sdk.Transport;
using Hypervisor.Sdk.Transport.Http;
using Hypervisor.Sdk.Transport.WebSockets;

namespace Hypervisor.Sdk.Lxd;

public sealed partial class LxdClient
{
    /// <summary><c>DELETE /1.0/networks/{networkName}/forwards/{listenAddress}</c>. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="networkName">The path's <c>networkName</c>.</param>
    /// <param name="listenAddress">The path's <c>listenAddress</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task NetworkForwardDeleteAsync(string networkName, string listenAddress, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.NetworkForwardDelete, Path($"/1.0/networks/{networkName}/forwards/{listenAddress}"), null, call, cancellationToken);

    /// <summary><c>GET /1.0/networks/{networkName}/forwards/{listenAddress}</c>. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="networkName">The path's <c>networkName</c>.</param>
    /// <param name="listenAddress">The path's <c>listenAddress</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<LxdNetworkForward>> NetworkForwardGetAsync(string networkName, string listenAddress, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.NetworkForwardGet, Path($"/1.0/networks/{networkName}/forwards/{listenAddress}"), null, call, LxdJson.Default.LxdNetworkForward, cancellationToken);

    /// <summary><c>GET /1.0/networks/{networkName}/forwards?recursion=1</c>. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.Filter"/>.</summary>
    /// <param name="networkName">The path's <c>networkName</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<IList<LxdNetworkForward>>> NetworkForwardGetRecursion1Async(string networkName, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.NetworkForwardGetRecursion1, Path($"/1.0/networks/{networkName}/forwards"), "recursion=1", call, LxdJson.Default.ListOfLxdNetworkForward, cancellationToken);

    /// <summary><c>PATCH /1.0/networks/{networkName}/forwards/{listenAddress}</c>. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="networkName">The path's <c>networkName</c>.</param>
    /// <param name="listenAddress">The path's <c>listenAddress</c>.</param>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task NetworkForwardPatchAsync(string networkName, string listenAddress, LxdNetworkForwardPut body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.NetworkForwardPatch, Path($"/1.0/networks/{networkName}/forwards/{listenAddress}"), null, call, Json(body, LxdJson.Default.LxdNetworkForwardPut), cancellationToken);

    /// <summary><c>PUT /1.0/networks/{networkName}/forwards/{listenAddress}</c>. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="networkName">The path's <c>networkName</c>.</param>
    /// <param name="listenAddress">The path's <c>listenAddress</c>.</param>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task NetworkForwardPutAsync(string networkName, string listenAddress, LxdNetworkForwardPut body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.NetworkForwardPut, Path($"/1.0/networks/{networkName}/forwards/{listenAddress}"), null, call, Json(body, LxdJson.Default.LxdNetworkForwardPut), cancellationToken);

    /// <summary><c>GET /1.0/networks/{networkName}/forwards</c>. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.Filter"/>.</summary>
    /// <param name="networkName">The path's <c>networkName</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<IList<string>>> NetworkForwardsGetAsync(string networkName, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.NetworkForwardsGet, Path($"/1.0/networks/{networkName}/forwards"), null, call, LxdJson.Default.ListOfString, cancellationToken);

    /// <summary><c>POST /1.0/networks/{networkName}/forwards</c>. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="networkName">The path's <c>networkName</c>.</param>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task NetworkForwardsPostAsync(string networkName, LxdNetworkForwardsPost body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.NetworkForwardsPost, Path($"/1.0/networks/{networkName}/forwards"), null, call, Json(body, LxdJson.Default.LxdNetworkForwardsPost), cancellationToken);
}
