using Hypervisor.Sdk.Remote.Calls;
using Hypervisor.Sdk.Remote.Serving;

namespace Hypervisor.Sdk.Remote.Services;

/// <summary><see cref="IRequestLog"/> over there.</summary>
internal sealed class RemoteRequestLog(RemoteCalls calls) : IRequestLog
{
    public Task<RequestLookup> LookUpAsync(RequestId id, CancellationToken cancellationToken = default) => calls.Ask("requestLog.lookUp").With(id).SendAsync<RequestLookup>(cancellationToken);

    public static void Serve(ServiceRoutes<IRequestLog> routes) => routes
        .Answer("lookUp", static (log, call) => log.LookUpAsync(call.Next<RequestId>(), call.Token));
}
