using System.Runtime.CompilerServices;

namespace Hypervisor.Sdk.Qemu.Driver;

/// <summary>An operation that runs in this process. Its token is for others: what they see of it is in the machine's journal.</summary>
/// <typeparam name="T">What it makes or changes.</typeparam>
internal sealed class WorkOperation<T>(OperationToken token, RequestId requestId, Task<T> work, WorkProgress progress) : Operation<T>
{
    public override OperationToken? Token => token;

    public override RequestId RequestId => requestId;

    public override Task<T> WaitAsync(CancellationToken cancellationToken = default) => work.WaitAsync(cancellationToken);

    public override ValueTask<OperationProgress> GetProgressAsync(CancellationToken cancellationToken = default) => new(Current());

    public override Task<bool> TryCancelAsync(CancellationToken cancellationToken = default) => Task.FromResult(!work.IsCompleted && progress.TryCancel());

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
