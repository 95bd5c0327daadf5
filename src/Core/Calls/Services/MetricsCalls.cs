namespace Hypervisor.Sdk;

/// <summary><see cref="IMetrics"/>, each call through the pipeline.</summary>
internal sealed class MetricsCalls(IMetrics inner, CallPipeline calls) : IMetrics
{
    public IAsyncEnumerable<InstanceMetrics> SampleAsync(InstanceFilter? filter = null, CancellationToken cancellationToken = default) =>
        calls.StreamAsync(new("metrics.sample", null, null, false), (inner, filter), static (s, token) => s.inner.SampleAsync(s.filter, token), cancellationToken);

    public IAsyncEnumerable<NodeMetrics> SampleNodesAsync(CancellationToken cancellationToken = default) =>
        calls.StreamAsync(new("metrics.sampleNodes", null, null, false), inner, static (s, token) => s.SampleNodesAsync(token), cancellationToken);
}
