namespace Hypervisor.Sdk.Remote.Calls;

/// <summary>Work that was begun over there.</summary>
internal sealed class RemoteOperation(RemoteWork work) : Operation
{
    public override OperationToken? Token => work.Token;

    public override RequestId RequestId => work.RequestId;

    public override ValueTask<OperationProgress> GetProgressAsync(CancellationToken cancellationToken = default) => work.GetProgressAsync(cancellationToken);

    public override Task WaitAsync(CancellationToken cancellationToken = default) => work.WaitAsync<string>(cancellationToken);

    public override Task<bool> TryCancelAsync(CancellationToken cancellationToken = default) => work.TryCancelAsync(cancellationToken);

    public override IAsyncEnumerable<OperationProgress> WatchAsync(CancellationToken cancellationToken = default) => work.WatchAsync(cancellationToken);
}

/// <inheritdoc cref="RemoteOperation"/>
internal sealed class RemoteOperation<T>(RemoteWork work) : Operation<T>
{
    public override OperationToken? Token => work.Token;

    public override RequestId RequestId => work.RequestId;

    public override ValueTask<OperationProgress> GetProgressAsync(CancellationToken cancellationToken = default) => work.GetProgressAsync(cancellationToken);

    public override async Task<T> WaitAsync(CancellationToken cancellationToken = default) =>
        await work.WaitAsync<T>(cancellationToken).ConfigureAwait(false) ?? throw new BackendProtocolException("The work succeeded, and its result is missing.", ErrorCode.Unspecified, RequestOutcome.Unknown);

    public override Task<bool> TryCancelAsync(CancellationToken cancellationToken = default) => work.TryCancelAsync(cancellationToken);

    public override IAsyncEnumerable<OperationProgress> WatchAsync(CancellationToken cancellationToken = default) => work.WatchAsync(cancellationToken);
}
