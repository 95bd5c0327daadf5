using System.Runtime.CompilerServices;

namespace Hypervisor.Sdk.Drivers;

/// <summary>Work that runs in this process, as an operation.</summary>
/// <typeparam name="T">What it makes or changes.</typeparam>
/// <param name="token">Resumes it in another process; null where that is not possible.</param>
/// <param name="requestId">The request that began it.</param>
/// <param name="work">The work. What it throws, <see cref="HypervisorException"/> only, is the operation's error; <see cref="ErrorCode.Cancelled"/> says that it was cancelled.</param>
/// <param name="progress">Where the work says how far it is.</param>
public sealed class TrackedOperation<T>(OperationToken? token, RequestId requestId, Task<T> work, WorkProgress progress) : Operation<T>
{
    /// <inheritdoc />
    public override OperationToken? Token => token;

    /// <inheritdoc />
    public override RequestId RequestId => requestId;

    /// <inheritdoc />
    public override Task<T> WaitAsync(CancellationToken cancellationToken = default) => work.WaitAsync(cancellationToken);

    /// <inheritdoc />
    public override ValueTask<OperationProgress> GetProgressAsync(CancellationToken cancellationToken = default) => new(Current());

    /// <inheritdoc />
    public override Task<bool> TryCancelAsync(CancellationToken cancellationToken = default) => Task.FromResult(!work.IsCompleted && progress.TryCancel());

    /// <inheritdoc />
    public override async IAsyncEnumerable<OperationProgress> WatchAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        while (true)
        {
            var changed = progress.Changed;
            var moment = Current();
            yield return moment;
            if (moment.State != OperationState.Running)
                yield break;
            await Task.WhenAny(changed, work).WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private OperationProgress Current()
    {
        if (!work.IsCompleted)
            return new OperationProgress { State = OperationState.Running, Fraction = progress.Fraction, Stage = progress.Stage };
        if (work.IsCompletedSuccessfully)
            return new OperationProgress { State = OperationState.Succeeded, Fraction = 1 };
        var error = work.Exception?.InnerException as HypervisorException;
        return new OperationProgress { State = error?.Code == ErrorCode.Cancelled ? OperationState.Cancelled : OperationState.Failed, Error = error };
    }
}
