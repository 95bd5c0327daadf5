using System.Runtime.CompilerServices;

namespace Hypervisor.Sdk;

/// <summary>An operation whose end is told to those who listen, and which is waited for no longer than its request allows.</summary>
internal sealed class ObservedOperation(Operation inner, OperationObservation observation) : Operation
{
    public override OperationToken? Token => inner.Token;

    public override RequestId RequestId => inner.RequestId;

    public override async ValueTask<OperationProgress> GetProgressAsync(CancellationToken cancellationToken = default) => observation.See(await inner.GetProgressAsync(cancellationToken).ConfigureAwait(false));

    public override Task WaitAsync(CancellationToken cancellationToken = default) => observation.WaitAsync(inner, static async (operation, token) =>
    {
        await operation.WaitAsync(token).ConfigureAwait(false);
        return true;
    }, cancellationToken);

    public override Task<bool> TryCancelAsync(CancellationToken cancellationToken = default) => inner.TryCancelAsync(cancellationToken);

    public override IAsyncEnumerable<OperationProgress> WatchAsync(CancellationToken cancellationToken = default) => SeeAsync(inner, observation, cancellationToken);

    internal static async IAsyncEnumerable<OperationProgress> SeeAsync(Operation inner, OperationObservation observation, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var progress in inner.WatchAsync(cancellationToken).ConfigureAwait(false))
            yield return observation.See(progress);
    }
}

/// <inheritdoc cref="ObservedOperation"/>
internal sealed class ObservedOperation<T>(Operation<T> inner, OperationObservation observation) : Operation<T>
{
    public override OperationToken? Token => inner.Token;

    public override RequestId RequestId => inner.RequestId;

    public override async ValueTask<OperationProgress> GetProgressAsync(CancellationToken cancellationToken = default) => observation.See(await inner.GetProgressAsync(cancellationToken).ConfigureAwait(false));

    public override Task<T> WaitAsync(CancellationToken cancellationToken = default) => observation.WaitAsync(inner, static (operation, token) => operation.WaitAsync(token), cancellationToken);

    public override Task<bool> TryCancelAsync(CancellationToken cancellationToken = default) => inner.TryCancelAsync(cancellationToken);

    public override IAsyncEnumerable<OperationProgress> WatchAsync(CancellationToken cancellationToken = default) => ObservedOperation.SeeAsync(inner, observation, cancellationToken);
}
