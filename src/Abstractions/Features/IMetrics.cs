namespace Hypervisor.Sdk;

/// <summary>Live counters.</summary>
public interface IMetrics
{
    /// <summary>The counters of the running instances, in as few round trips as the backend allows.</summary>
    IAsyncEnumerable<InstanceMetrics> SampleAsync(InstanceFilter? filter = null, CancellationToken cancellationToken = default);

    /// <summary>The counters of the nodes.</summary>
    IAsyncEnumerable<NodeMetrics> SampleNodesAsync(CancellationToken cancellationToken = default);
}
