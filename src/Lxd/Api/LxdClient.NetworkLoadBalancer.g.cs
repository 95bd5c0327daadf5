// Written by eng/generate-lxd from rest-api.yaml of LXD 5.0.2 and Incus 6.0.4.
#nullable enable
using System.Text.Json;
using Hypervisor.Sdk.Transport;
using Hypervisor.Sdk.Transport.Http;
using Hypervisor.Sdk.Transport.WebSockets;

namespace Hypervisor.Sdk.Lxd;

public sealed partial class LxdClient
{
    /// <summary><c>DELETE /1.0/networks/{networkName}/load-balancers/{listenAddress}</c>, Incus only. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="networkName">The path's <c>networkName</c>.</param>
    /// <param name="listenAddress">The path's <c>listenAddress</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task NetworkLoadBalancerDeleteAsync(string networkName, string listenAddress, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.NetworkLoadBalancerDelete, Path($"/1.0/networks/{networkName}/load-balancers/{listenAddress}"), null, call, cancellationToken);

    /// <summary><c>GET /1.0/networks/{networkName}/load-balancers/{listenAddress}</c>, Incus only. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="networkName">The path's <c>networkName</c>.</param>
    /// <param name="listenAddress">The path's <c>listenAddress</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<LxdNetworkLoadBalancer>> NetworkLoadBalancerGetAsync(string networkName, string listenAddress, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.NetworkLoadBalancerGet, Path($"/1.0/networks/{networkName}/load-balancers/{listenAddress}"), null, call, LxdJson.Default.LxdNetworkLoadBalancer, cancellationToken);

    /// <summary><c>GET /1.0/networks/{networkName}/load-balancers?recursion=1</c>, Incus only. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.Filter"/>.</summary>
    /// <param name="networkName">The path's <c>networkName</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<IList<LxdNetworkLoadBalancer>>> NetworkLoadBalancerGetRecursion1Async(string networkName, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.NetworkLoadBalancerGetRecursion1, Path($"/1.0/networks/{networkName}/load-balancers"), "recursion=1", call, LxdJson.Default.ListOfLxdNetworkLoadBalancer, cancellationToken);

    /// <summary><c>PATCH /1.0/networks/{networkName}/load-balancers/{listenAddress}</c>, Incus only. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="networkName">The path's <c>networkName</c>.</param>
    /// <param name="listenAddress">The path's <c>listenAddress</c>.</param>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task NetworkLoadBalancerPatchAsync(string networkName, string listenAddress, LxdNetworkLoadBalancerPut body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.NetworkLoadBalancerPatch, Path($"/1.0/networks/{networkName}/load-balancers/{listenAddress}"), null, call, Json(body, LxdJson.Default.LxdNetworkLoadBalancerPut), cancellationToken);

    /// <summary><c>PUT /1.0/networks/{networkName}/load-balancers/{listenAddress}</c>, Incus only. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="networkName">The path's <c>networkName</c>.</param>
    /// <param name="listenAddress">The path's <c>listenAddress</c>.</param>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task NetworkLoadBalancerPutAsync(string networkName, string listenAddress, LxdNetworkLoadBalancerPut body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.NetworkLoadBalancerPut, Path($"/1.0/networks/{networkName}/load-balancers/{listenAddress}"), null, call, Json(body, LxdJson.Default.LxdNetworkLoadBalancerPut), cancellationToken);

    /// <summary><c>GET /1.0/networks/{networkName}/load-balancers/{listenAddress}/state</c>, Incus only. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="networkName">The path's <c>networkName</c>.</param>
    /// <param name="listenAddress">The path's <c>listenAddress</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<LxdNetworkLoadBalancerState>> NetworkLoadBalancerStateGetAsync(string networkName, string listenAddress, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.NetworkLoadBalancerStateGet, Path($"/1.0/networks/{networkName}/load-balancers/{listenAddress}/state"), null, call, LxdJson.Default.LxdNetworkLoadBalancerState, cancellationToken);

    /// <summary><c>GET /1.0/networks/{networkName}/load-balancers</c>, Incus only. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.Filter"/>.</summary>
    /// <param name="networkName">The path's <c>networkName</c>.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<LxdAnswer<IList<string>>> NetworkLoadBalancersGetAsync(string networkName, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        GetValueAsync(LxdApi.NetworkLoadBalancersGet, Path($"/1.0/networks/{networkName}/load-balancers"), null, call, LxdJson.Default.ListOfString, cancellationToken);

    /// <summary><c>POST /1.0/networks/{networkName}/load-balancers</c>, Incus only. The call may carry <see cref="LxdCall.Project"/>.</summary>
    /// <param name="networkName">The path's <c>networkName</c>.</param>
    /// <param name="body">What is sent.</param>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task NetworkLoadBalancersPostAsync(string networkName, LxdNetworkLoadBalancersPost body, LxdCall? call = null, CancellationToken cancellationToken = default) =>
        SendAsync(LxdApi.NetworkLoadBalancersPost, Path($"/1.0/networks/{networkName}/load-balancers"), null, call, Json(body, LxdJson.Default.LxdNetworkLoadBalancersPost), cancellationToken);
}
