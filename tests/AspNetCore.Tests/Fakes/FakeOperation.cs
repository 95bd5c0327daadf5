namespace Hypervisor.Sdk.AspNetCore.Tests;

/// <summary>Work whose end a test decides.</summary>
internal sealed class FakeOperation<T>(RequestOptions? request, OperationToken? token = null) : Operation<T>
{
    private readonly TaskCompletionSource<T> _end = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public override OperationToken? Token => token;

    public override RequestId RequestId { get; } = request?.RequestId ?? RequestId.New();

    public bool CanCancel { get; init; } = true;

    public void Succeed(T value) => _end.TrySetResult(value);

    public void Fail(HypervisorException failure) => _end.TrySetException(failure);

    public override ValueTask<OperationProgress> GetProgressAsync(CancellationToken cancellationToken = default) => ValueTask.FromResult(Progress());

    public override Task<T> WaitAsync(CancellationToken cancellationToken = default) => _end.Task.WaitAsync(cancellationToken);

    public override Task<bool> TryCancelAsync(CancellationToken cancellationToken = default)
    {
        bool cancelled = CanCancel && _end.TrySetException(new HypervisorException("The work was cancelled.", ErrorCode.Cancelled, RequestOutcome.FailedMidway));
        return Task.FromResult(cancelled);
    }

    public override async IAsyncEnumerable<OperationProgress> WatchAsync([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        yield return Progress();
        await ((Task)_end.Task).WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        cancellationToken.ThrowIfCancellationRequested();
        yield return Progress();
    }

    private OperationProgress Progress() => _end.Task.Status switch
    {
        TaskStatus.RanToCompletion => new() { State = OperationState.Succeeded, Fraction = 1 },
        TaskStatus.Faulted => new() { State = OperationState.Failed, Error = (HypervisorException)_end.Task.Exception!.InnerException! },
        _ => new() { State = OperationState.Running, Fraction = 0.5, Stage = "copying" },
    };
}
