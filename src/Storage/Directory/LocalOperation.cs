using System.Runtime.CompilerServices;

namespace Hypervisor.Sdk.Storage.Directory;

/// <summary>Work that this process does. It ends with the process; what became of it then is found by the request.</summary>
internal sealed class LocalOperation<T> : Operation<T>, IEnding
{
    private readonly CancellationTokenSource _cancel;
    private readonly Task<T> _work;
    private readonly Lock _gate = new();
    private double? _fraction;
    private volatile bool _isCancelAsked;
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private LocalOperation(RequestId requestId, TimeSpan? deadline, TimeProvider timeProvider, Func<IProgress<double>, CancellationToken, Task<T>> work)
    {
        RequestId = requestId;
        _cancel = deadline is { } within ? new CancellationTokenSource(within, timeProvider) : new CancellationTokenSource();
        _work = RunAsync(work, deadline);
    }

    public override OperationToken? Token => null;

    public override RequestId RequestId { get; }

    /// <inheritdoc />
    public Task Ended => _work.ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);

    /// <summary>Begins.</summary>
    public static LocalOperation<T> Start(RequestId requestId, TimeSpan? deadline, TimeProvider timeProvider, Func<IProgress<double>, CancellationToken, Task<T>> work) => new(requestId, deadline, timeProvider, work);

    /// <summary>Work that was finished before.</summary>
    public static LocalOperation<T> Finished(RequestId requestId, T result) => new(requestId, null, TimeProvider.System, (_, _) => Task.FromResult(result));

    public override ValueTask<OperationProgress> GetProgressAsync(CancellationToken cancellationToken = default) => new(Now());

    public override Task<T> WaitAsync(CancellationToken cancellationToken = default) => _work.WaitAsync(cancellationToken);

    public override async Task<bool> TryCancelAsync(CancellationToken cancellationToken = default)
    {
        _isCancelAsked = true;
        await _cancel.CancelAsync().WaitAsync(cancellationToken).ConfigureAwait(false);
        return true;
    }

    public override async IAsyncEnumerable<OperationProgress> WatchAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        while (true)
        {
            Task changed;
            lock (_gate)
                changed = _changed.Task;
            var now = Now();
            yield return now;
            if (now.State != OperationState.Running)
                yield break;
            await Task.WhenAny(changed, Ended).WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task<T> RunAsync(Func<IProgress<double>, CancellationToken, Task<T>> work, TimeSpan? deadline)
    {
        try
        {
            return await Task.Run(() => work(new Progress(this), _cancel.Token), CancellationToken.None).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (_cancel.IsCancellationRequested)
        {
            throw _isCancelAsked
                ? new HypervisorException("The work was cancelled, and what it had begun is undone.", ErrorCode.Cancelled, RequestOutcome.Rejected)
                : new HypervisorException($"The work was not done within {deadline}; what it had begun is undone.", ErrorCode.Timeout, RequestOutcome.Rejected);
        }
    }

    private OperationProgress Now()
    {
        lock (_gate)
        {
            return _work.Status switch
            {
                TaskStatus.RanToCompletion => new OperationProgress { State = OperationState.Succeeded, Fraction = 1 },
                TaskStatus.Faulted => new OperationProgress
                {
                    State = (_work.Exception!.InnerException as HypervisorException)?.Code == ErrorCode.Cancelled ? OperationState.Cancelled : OperationState.Failed,
                    Fraction = _fraction,
                    Error = _work.Exception.InnerException as HypervisorException
                        ?? new HypervisorException($"The work failed: {_work.Exception.InnerException!.Message}", ErrorCode.Unspecified, RequestOutcome.FailedMidway, _work.Exception.InnerException),
                },
                _ => new OperationProgress { State = OperationState.Running, Fraction = _fraction },
            };
        }
    }

    private sealed class Progress(LocalOperation<T> operation) : IProgress<double>
    {
        public void Report(double value)
        {
            TaskCompletionSource changed;
            lock (operation._gate)
            {
                operation._fraction = value;
                changed = operation._changed;
                operation._changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
            }

            changed.TrySetResult();
        }
    }
}
