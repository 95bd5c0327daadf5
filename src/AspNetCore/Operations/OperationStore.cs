using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Hypervisor.Sdk.AspNetCore;

/// <summary>The operations that can be asked for: bounded, in memory, found again through the backend where it keeps the task itself.</summary>
internal sealed class OperationStore(IBackendRegistry registry, ApiJson json, IOptions<HypervisorApiOptions> options, TimeProvider time, IHostApplicationLifetime lifetime)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, TrackedOperation> _operations = new(StringComparer.Ordinal);
    private readonly OperationIds _ids = new(options.Value.OperationKey);
    private readonly HypervisorApiOptions _options = options.Value;

    /// <summary>Refuses further work while as many operations run as may be kept: one that nobody can ask for must not begin.</summary>
    public void EnsureRoom()
    {
        lock (_gate)
        {
            Purge();
            if (_operations.Count < _options.MaxOperations || EvictOldestEnded())
                return;
        }

        throw new HypervisorException($"{_options.MaxOperations} operations are running: more are not begun until one of them ends.", ErrorCode.Unavailable, RequestOutcome.NotSent) { RetryAfter = TimeSpan.FromSeconds(5) };
    }

    public TrackedOperation Track(Operation operation)
    {
        string id = _ids.For(operation.Token);
        lock (_gate)
        {
            if (_operations.TryGetValue(id, out var known))
                return known;
            Purge();
            if (_operations.Count >= _options.MaxOperations)
                EvictOldestEnded();
            var tracked = new TrackedOperation(id, operation, json, time, lifetime.ApplicationStopping);
            _operations.Add(id, tracked);
            return tracked;
        }
    }

    public async Task<TrackedOperation> GetAsync(string id, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            Purge();
            if (_operations.TryGetValue(id, out var known))
                return known;
        }

        return await ResumeAsync(id, cancellationToken).ConfigureAwait(false)
            ?? throw new HypervisorException($"There is no operation '{Echo.Short(id)}', or it ended too long ago.", ErrorCode.NotFound, RequestOutcome.NotSent) { Resource = "operation" };
    }

    private async Task<TrackedOperation?> ResumeAsync(string id, CancellationToken cancellationToken)
    {
        if (!_ids.TryReadToken(id, out var token))
            return null;
        var backend = await registry.GetAsync(token.Value.Backend, cancellationToken).ConfigureAwait(false);
        if (!backend.TryGet<IOperations>(out var operations))
            return null;
        var operation = await operations.ResumeAsync(token.Value, cancellationToken).ConfigureAwait(false);
        return operation is null ? null : Track(operation);
    }

    private void Purge()
    {
        var limit = time.GetUtcNow() - _options.OperationRetention;
        foreach (var (id, operation) in _operations)
        {
            if (operation.EndedAt < limit)
                _operations.Remove(id);
        }
    }

    private bool EvictOldestEnded()
    {
        var oldest = _operations.Values.Where(operation => operation.EndedAt is not null).MinBy(operation => operation.EndedAt);
        return oldest is not null && _operations.Remove(oldest.Id);
    }
}
