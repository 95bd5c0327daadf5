namespace Hypervisor.Sdk;

/// <summary>Work that a backend has begun. Safe to use from several threads.</summary>
public abstract class Operation
{
    /// <summary>Resumes this operation in another process; null where the backend keeps no task: then <see cref="IRequestLog"/> is the way back.</summary>
    public abstract OperationToken? Token { get; }

    /// <summary>The id of the request that began it.</summary>
    public abstract RequestId RequestId { get; }

    /// <summary>Asks how far it is.</summary>
    public abstract ValueTask<OperationProgress> GetProgressAsync(CancellationToken cancellationToken = default);

    /// <summary>Waits until it has finished.</summary>
    /// <param name="cancellationToken">Ends the wait, never the work; see <see cref="TryCancelAsync"/>.</param>
    /// <exception cref="HypervisorException">The work failed or was cancelled, or the backend can no longer say.</exception>
    public abstract Task WaitAsync(CancellationToken cancellationToken = default);

    /// <summary>Asks the backend to end the work. True: it will end, cancelled or finished, whichever comes first. False: this work cannot be cancelled, and goes on.</summary>
    public abstract Task<bool> TryCancelAsync(CancellationToken cancellationToken = default);

    /// <summary>Its moments, from now to the end: the last one is never <see cref="OperationState.Running"/>. Moments that follow each other faster than they are read are merged.</summary>
    public abstract IAsyncEnumerable<OperationProgress> WatchAsync(CancellationToken cancellationToken = default);
}
