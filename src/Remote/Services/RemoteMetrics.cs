using Hypervisor.Sdk.Remote.Calls;
using Hypervisor.Sdk.Remote.Serving;

namespace Hypervisor.Sdk.Remote.Services;

/// <summary><see cref="IMetrics"/> over there.</summary>
internal sealed class RemoteMetrics(RemoteCalls calls) : IMetrics
{
    public IAsyncEnumerable<InstanceMetrics> SampleAsync(InstanceFilter? filter = null, CancellationToken cancellationToken = default) => calls.Ask("metrics.sample").With(filter).ListAsync<InstanceMetrics>(cancellationToken);

    public IAsyncEnumerable<NodeMetrics> SampleNodesAsync(CancellationToken cancellationToken = default) => calls.Ask("metrics.sampleNodes").ListAsync<NodeMetrics>(cancellationToken);

    public static void Serve(ServiceRoutes<IMetrics> routes) => routes
        .List("sample", static (metrics, call) => metrics.SampleAsync(call.Find<InstanceFilter>(), call.Token))
        .List("sampleNodes", static (metrics, call) => metrics.SampleNodesAsync(call.Token));
}
