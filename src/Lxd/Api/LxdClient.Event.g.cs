// Written by eng/generate-lxd from rest-api.yaml of LXD 5.0.2 and Incus 6.0.4.
#nullable enable
using System.Text.Json;
using Hypervisor.Sdk.Transport;
using Hypervisor.Sdk.Transport.Http;
using Hypervisor.Sdk.Transport.WebSockets;

namespace Hypervisor.Sdk.Lxd;

public sealed partial class LxdClient
{
    /// <summary><c>GET /1.0/events</c>. The call may carry <see cref="LxdCall.Project"/>, <see cref="LxdCall.Type"/>, <see cref="LxdCall.AllProjects"/>.</summary>
    /// <param name="call">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    public Task<WebSocketConnection> EventsGetAsync(LxdCall? call = null, CancellationToken cancellationToken = default) =>
        OpenWebSocketAsync(LxdApi.EventsGet, Path($"/1.0/events"), null, call, cancellationToken);
}
