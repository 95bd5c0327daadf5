using System.Runtime.CompilerServices;

namespace Hypervisor.Sdk.Tests.Fakes;

/// <summary>A test fake: work that the test finishes.</summary>
internal sealed class FakeOperation<T>(RequestId requestId, Task<T> work) : Operation<T>
{
    public override OperationToken? Token => null;

    public override RequestId RequestId => requestId;

    public override ValueTask<OperationProgress> GetProgressAsync(CancellationToken cancellationToken = default) =>
        new(new OperationProgress { State = !work.IsCompleted ? OperationState.Running : work.IsCompletedSuccessfully ? OperationState.Succeeded : OperationState.Failed });

    public override Task<T> WaitAsync(CancellationToken cancellationToken = default) => work.WaitAsync(cancellationToken);

    public override Task<bool> TryCancelAsync(CancellationToken cancellationToken = default) => Task.FromResult(false);

    public override async IAsyncEnumerable<OperationProgress> WatchAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        yield return await GetProgressAsync(cancellationToken);
    }
}
