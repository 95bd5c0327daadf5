namespace Hypervisor.Sdk;

/// <summary>A confirmed subscription. Read once, by one reader, from the moment that it was confirmed; dispose it to end it.</summary>
public abstract class Subscription : IAsyncEnumerable<BackendEvent>, IAsyncDisposable
{
    /// <summary>The events, until the subscription is disposed or the backend is. A lost connection is an <see cref="EventGap"/> and not the end.</summary>
    /// <exception cref="InvalidOperationException">It is being read already.</exception>
    public abstract IAsyncEnumerator<BackendEvent> GetAsyncEnumerator(CancellationToken cancellationToken = default);

    /// <summary>Ends the subscription. Idempotent; never throws.</summary>
    public abstract ValueTask DisposeAsync();
}
