using System.Diagnostics;

namespace Hypervisor.Sdk;

/// <summary>Work that a call began, as those who listen see it, and the time that is left for it.</summary>
internal sealed class OperationObservation
{
    private readonly CallPipeline _pipeline;
    private readonly Call _call;
    private readonly Activity? _activity;
    private readonly long _started;
    private int _hasEnded;

    public OperationObservation(CallPipeline pipeline, Call call, RequestId requestId, long started)
    {
        _pipeline = pipeline;
        _call = call;
        _started = started;
        if (!CallTelemetry.Source.HasListeners())
            return;

        // Whoever waits may do so much later and elsewhere: the span must not become the parent of what the caller does next.
        var current = Activity.Current;
        _activity = CallTelemetry.Start($"{call.Name} operation", pipeline.Backend, pipeline.Kind, call.Instance, requestId, current?.Context ?? default);
        Activity.Current = current;
    }

    /// <summary>Waits for the work, no longer than the request allows.</summary>
    public async Task<T> WaitAsync<TState, T>(TState state, Func<TState, CancellationToken, Task<T>> wait, CancellationToken cancellationToken)
    {
        var deadline = _call.Request?.Deadline;
        var left = deadline - _pipeline.Time.GetElapsedTime(_started);
        using var timer = left is { } span ? new CancellationTokenSource(span > TimeSpan.Zero ? span : TimeSpan.FromTicks(1), _pipeline.Time) : null;
        using var linked = timer is null ? null : CancellationTokenSource.CreateLinkedTokenSource(timer.Token, cancellationToken);
        var token = linked?.Token ?? cancellationToken;
        try
        {
            var work = wait(state, token);
            var result = await (timer is null ? work : work.WaitAsync(token)).ConfigureAwait(false);
            End(null);
            return result;
        }
        catch (OperationCanceledException) when (timer is { IsCancellationRequested: true } && !cancellationToken.IsCancellationRequested)
        {
            throw _pipeline.TimedOut(_call, deadline!.Value, RequestOutcome.Unknown);
        }
        catch (OperationCanceledException exception) when (cancellationToken.IsCancellationRequested)
        {
            throw linked is null ? exception : new OperationCanceledException(exception.Message, exception, cancellationToken);
        }
        catch (HypervisorException exception)
        {
            End(exception);
            throw;
        }
    }

    public OperationProgress See(OperationProgress progress)
    {
        if (progress.State is OperationState.Succeeded)
            End(null);
        else if (progress.State is OperationState.Failed or OperationState.Cancelled)
            End(progress.Error ?? new HypervisorException("The work ended without a reason.", ErrorCode.Unspecified, RequestOutcome.Unknown));
        return progress;
    }

    private void End(HypervisorException? failure)
    {
        if (Interlocked.Exchange(ref _hasEnded, 1) != 0 || _activity is null)
            return;
        if (failure is not null)
            CallTelemetry.Fail(_activity, failure);
        _activity.Stop();
    }
}
