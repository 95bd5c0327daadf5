using System.Runtime.CompilerServices;

namespace Hypervisor.Sdk;

/// <content>Lists: each page and each item waits for its turn by itself, so that a reader who takes his time keeps nobody waiting.</content>
internal sealed partial class CallPipeline
{
    public PagedList<T> Pages<T>(in Call call, PagedList<T> inner) => new ObservedPages<T>(this, call, inner);

    public IAsyncEnumerable<T> StreamAsync<TState, T>(in Call call, TState state, Func<TState, CancellationToken, IAsyncEnumerable<T>> invoke, CancellationToken cancellationToken) =>
        IsIdle(call) ? invoke(state, cancellationToken) : StreamObservedAsync(call, state, invoke, cancellationToken);

    private async IAsyncEnumerable<T> StreamObservedAsync<TState, T>(Call call, TState state, Func<TState, CancellationToken, IAsyncEnumerable<T>> invoke, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var observation = CallTelemetry.IsHeard ? new CallObservation(this, call) : null;
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var items = invoke(state, ended.Token).GetAsyncEnumerator(ended.Token);
        Task? left = null;
        try
        {
            while (true)
            {
                Task<bool>? next = null;
                try
                {
                    bool hasNext = await RunInTimeAsync(call, items, (from, _) => next = from.MoveNextAsync().AsTask(), cancellationToken).ConfigureAwait(false);
                    if (!hasNext)
                        break;
                }
                catch (Exception exception)
                {
                    left = next;
                    observation?.Fail(exception);
                    throw;
                }

                yield return items.Current;
            }
        }
        finally
        {
            await ended.CancelAsync().ConfigureAwait(false);

            // An enumerator must not be disposed while it moves.
            if (left is null or { IsCompleted: true })
                await items.DisposeAsync().ConfigureAwait(false);
            else
                _ = DisposeAfterAsync(left, items);
        }
    }

    private static async Task DisposeAfterAsync(Task left, IAsyncDisposable items)
    {
        await left.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await items.DisposeAsync().ConfigureAwait(false);
    }

    private sealed class ObservedPages<T>(CallPipeline pipeline, Call call, PagedList<T> inner) : PagedList<T>
    {
        public override Task<Page<T>> GetPageAsync(string? continuation, int maxItems, CancellationToken cancellationToken = default) =>
            pipeline.RunAsync(call, (inner, continuation, maxItems), static (s, token) => s.inner.GetPageAsync(s.continuation, s.maxItems, token), cancellationToken);

        // A driver may have a faster way than page by page.
        public override IAsyncEnumerator<T> GetAsyncEnumerator(CancellationToken cancellationToken = default) =>
            pipeline.IsIdle(call) ? inner.GetAsyncEnumerator(cancellationToken) : base.GetAsyncEnumerator(cancellationToken);
    }
}
