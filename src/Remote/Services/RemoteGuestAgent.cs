using Hypervisor.Sdk.Remote.Calls;
using Hypervisor.Sdk.Remote.Serving;

namespace Hypervisor.Sdk.Remote.Services;

/// <summary><see cref="IGuestAgent"/> over there.</summary>
internal sealed class RemoteGuestAgent(RemoteCalls calls) : IGuestAgent
{
    public Task<GuestInfo> GetInfoAsync(InstanceId id, CancellationToken cancellationToken = default) => calls.Ask("guestAgent.getInfo").With(id).SendAsync<GuestInfo>(cancellationToken);

    public static void Serve(ServiceRoutes<IGuestAgent> routes) => routes
        .Answer("getInfo", static (agent, call) => agent.GetInfoAsync(call.Next<InstanceId>(), call.Token));
}
