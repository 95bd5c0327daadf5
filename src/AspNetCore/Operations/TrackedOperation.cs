using System.Text.Json;

namespace Hypervisor.Sdk.AspNetCore;

/// <summary>Work that the API has begun, followed to its end.</summary>
internal sealed class TrackedOperation
{
    private readonly Operation _operation;
    private readonly ApiJson _json;
    private readonly TimeProvider _time;
    private readonly Task<OperationDocument> _ending;

    public TrackedOperation(string id, Operation operation, ApiJson json, TimeProvider time, CancellationToken stopping)
    {
        Id = id;
        _operation = operation;
        _json = json;
        _time = time;
        _ending = EndAsync(stopping);
    }

    public string Id { get; }

    /// <summary>When it was seen to have ended; null while it runs.</summary>
    public DateTimeOffset? EndedAt { get; private set; }

    public async Task<OperationDocument> ReadAsync(CancellationToken cancellationToken)
    {
        if (_ending.IsCompleted)
            return await _ending.ConfigureAwait(false);
        var progress = await _operation.GetProgressAsync(cancellationToken).ConfigureAwait(false);
        // The backend may say that it has ended a moment before the wait for it returns: then the wait knows the result.
        return progress.State == OperationState.Running
            ? new(Id, progress, _operation.RequestId, null)
            : await _ending.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <returns>True when it has ended within the time.</returns>
    public async Task<bool> WaitAsync(TimeSpan atMost, CancellationToken cancellationToken)
    {
        try
        {
            await _ending.WaitAsync(atMost, _time, cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }

    public Task<bool> TryCancelAsync(CancellationToken cancellationToken) => _operation.TryCancelAsync(cancellationToken);

    /// <summary>Its moments; the last one has ended.</summary>
    public async IAsyncEnumerable<OperationDocument> WatchAsync([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var progress in _operation.WatchAsync(cancellationToken).ConfigureAwait(false))
        {
            if (progress.State != OperationState.Running)
                break;
            yield return new(Id, progress, _operation.RequestId, null);
        }

        yield return await _ending.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    private async Task<OperationDocument> EndAsync(CancellationToken stopping)
    {
        // Off the caller's thread: a finished operation would otherwise serialise its result there.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        var document = await ObserveAsync(stopping).ConfigureAwait(false);
        EndedAt = _time.GetUtcNow();
        return document;
    }

    private async Task<OperationDocument> ObserveAsync(CancellationToken stopping)
    {
        try
        {
            var result = await WaitForResultAsync(stopping).ConfigureAwait(false);
            return new(Id, new OperationProgress { State = OperationState.Succeeded, Fraction = 1 }, _operation.RequestId, result);
        }
        catch (HypervisorException failure)
        {
            var state = failure.Code == ErrorCode.Cancelled ? OperationState.Cancelled : failure.Outcome == RequestOutcome.Unknown ? OperationState.Unknown : OperationState.Failed;
            return new(Id, new OperationProgress { State = state, Error = failure }, _operation.RequestId, null);
        }
        catch (OperationCanceledException)
        {
            // This process stops: the backend goes on, and the token of the id finds it again.
            return new(Id, new OperationProgress { State = OperationState.Unknown }, _operation.RequestId, null);
        }
    }

    private async Task<JsonElement?> WaitForResultAsync(CancellationToken stopping)
    {
        switch (_operation)
        {
            case Operation<Instance> instance:
                return _json.Element(await instance.WaitAsync(stopping).ConfigureAwait(false));
            case Operation<Snapshot> snapshot:
                return _json.Element(await snapshot.WaitAsync(stopping).ConfigureAwait(false));
            case Operation<Volume> volume:
                return _json.Element(await volume.WaitAsync(stopping).ConfigureAwait(false));
            case Operation<StoragePool> pool:
                return _json.Element(await pool.WaitAsync(stopping).ConfigureAwait(false));
            default:
                await _operation.WaitAsync(stopping).ConfigureAwait(false);
                return null;
        }
    }
}
