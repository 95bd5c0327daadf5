using Microsoft.Extensions.Options;

namespace Hypervisor.Sdk.AspNetCore;

/// <summary>Samples all backends at once, and shares a sample among all who ask at about the same time.</summary>
internal sealed class MetricsSampler(IBackendRegistry registry, IOptions<HypervisorApiOptions> options, TimeProvider time)
{
    private readonly Lock _gate = new();
    private Task<MetricsSample>? _latest;
    private long _begun;

    public Task<MetricsSample> SampleAsync(TimeSpan maxAge, CancellationToken cancellationToken)
    {
        Task<MetricsSample> sample;
        lock (_gate)
        {
            if (_latest is null || _latest.IsFaulted || (_latest.IsCompleted && time.GetElapsedTime(_begun) > maxAge))
            {
                _begun = time.GetTimestamp();
                _latest = Task.Run(SampleAllAsync, CancellationToken.None);
            }

            sample = _latest;
        }

        return sample.WaitAsync(cancellationToken);
    }

    private async Task<MetricsSample> SampleAllAsync()
    {
        var answers = await Task.WhenAll(registry.List().Select(backend => SampleOneAsync(backend.Name))).ConfigureAwait(false);
        return new MetricsSample
        {
            Nodes = [.. answers.SelectMany(answer => answer.Nodes)],
            Instances = [.. answers.SelectMany(answer => answer.Instances)],
            Unreachable = [.. answers.SelectMany(answer => answer.Unreachable)],
        };
    }

    private async Task<MetricsSample> SampleOneAsync(BackendName name)
    {
        using var deadline = new CancellationTokenSource(options.Value.ListTimeout, time);
        try
        {
            var backend = await registry.GetAsync(name, deadline.Token).ConfigureAwait(false);
            if (!backend.TryGet<IMetrics>(out var metrics))
                return new MetricsSample();
            var nodes = new List<Located<NodeMetrics>>();
            await foreach (var node in metrics.SampleNodesAsync(deadline.Token).ConfigureAwait(false))
                nodes.Add(new(name, node));
            var instances = new List<Located<InstanceMetrics>>();
            await foreach (var instance in metrics.SampleAsync(cancellationToken: deadline.Token).ConfigureAwait(false))
                instances.Add(new(name, instance));
            return new MetricsSample { Nodes = nodes, Instances = instances };
        }
        catch (HypervisorException failure)
        {
            return new MetricsSample { Unreachable = [Unreachable.Backend(name, failure)] };
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested)
        {
            return new MetricsSample { Unreachable = [Unreachable.Late(name, options.Value.ListTimeout)] };
        }
    }
}
