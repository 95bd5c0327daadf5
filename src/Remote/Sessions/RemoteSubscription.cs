using Hypervisor.Sdk.Remote.Calls;

namespace Hypervisor.Sdk.Remote.Sessions;

/// <summary>A subscription over there. It is read from the wire by itself, so that as many events wait here as may wait; a connection that is lost is a gap, after which it goes on over the next one.</summary>
internal sealed class RemoteSubscription : Subscription
{
    private readonly RemoteCalls _calls;
    private readonly string _name;
    private readonly WatchOptions? _options;
    private readonly EventQueue _queue;
#pragma warning disable CA2213 // It has no timer and no wait handle, and what is under way when this is disposed still asks it.
    private readonly CancellationTokenSource _disposing = new();
#pragma warning restore CA2213
    private readonly Task _feeding;
    private EventPosition? _position;
    private bool _isSynchronized;
    private int _isRead;

    private RemoteSubscription(RemoteCalls calls, string name, WatchOptions? options, RemoteSession session)
    {
        _calls = calls;
        _name = name;
        _options = options;
        _queue = new EventQueue((options ?? new WatchOptions()).Capacity);
        _isSynchronized = options is not { IncludeSnapshot: true };
        _position = session.Opened.Find<EventPosition?>();
        _feeding = Task.Run(() => FeedAsync(session));
    }

    /// <summary>Subscribes; complete when the other end has confirmed it.</summary>
    public static async Task<Subscription> BeginAsync(RemoteCalls calls, string name, WatchOptions? options, CancellationToken cancellationToken) =>
        new RemoteSubscription(calls, name, options, await calls.Ask(name).With(options).OpenAsync(cancellationToken).ConfigureAwait(false));

    public override IAsyncEnumerator<BackendEvent> GetAsyncEnumerator(CancellationToken cancellationToken = default) =>
        Interlocked.Exchange(ref _isRead, 1) == 0 ? ReadAsync(cancellationToken) : throw new InvalidOperationException("The subscription is being read already.");

    public override async ValueTask DisposeAsync()
    {
        await _disposing.CancelAsync().ConfigureAwait(false);
        await _feeding.ConfigureAwait(false);
    }

    private async IAsyncEnumerator<BackendEvent> ReadAsync(CancellationToken cancellationToken)
    {
        while (await _queue.TakeAsync(cancellationToken).ConfigureAwait(false) is { } next)
            yield return next;
    }

    private async Task FeedAsync(RemoteSession first)
    {
        Exception? failure = null;
        try
        {
            for (RemoteSession? session = first; session is not null; session = await AgainAsync().ConfigureAwait(false))
            {
                await using (session.ConfigureAwait(false))
                {
                    if (!await TryFeedAsync(session).ConfigureAwait(false))
                        break;
                }
            }
        }
        catch (Exception error) when (error is OperationCanceledException or ObjectDisposedException)
        {
            // It was disposed, or the backend was: that is an end.
        }
        catch (HypervisorException error)
        {
            failure = error;
        }

        _queue.Complete(failure);
    }

    /// <summary>Takes events until the other end ends it (false), or its connection is lost (true).</summary>
    private async Task<bool> TryFeedAsync(RemoteSession session)
    {
        try
        {
            while (await session.ReceiveAsync(_disposing.Token).ConfigureAwait(false) is { } some)
            {
                foreach (var next in session.Read(some, static values => values.Rest<BackendEvent>()))
                    await PassOnAsync(next).ConfigureAwait(false);
            }

            return false;
        }
        catch (HypervisorException) when (session.IsLost)
        {
            return true;
        }
    }

    private async Task PassOnAsync(BackendEvent next)
    {
        _position = next.Position;
        // A snapshot of any size is read as fast as it is asked for; what happens meanwhile waits over there, as much of it as may.
        if (_isSynchronized)
        {
            _queue.Offer(next);
            return;
        }

        _isSynchronized = next is Synchronized;
        await _queue.HandOverAsync(next, _disposing.Token).ConfigureAwait(false);
    }

    private async Task<RemoteSession?> AgainAsync()
    {
        while (true)
        {
            var options = _isSynchronized ? new WatchOptions { After = _position, Capacity = (_options ?? new WatchOptions()).Capacity } : _options;
            try
            {
                var session = await _calls.Ask(_name).With(options).OpenAsync(_disposing.Token).ConfigureAwait(false);
                _queue.Offer(new EventGap { At = _calls.Time.GetUtcNow(), Position = _position ?? EventPosition.Parse("lost"), Reason = "The connection was lost, and not all that happened meanwhile may be told. List again." });
                return session;
            }
            catch (HypervisorException error) when (error.Code == ErrorCode.NotFound && _isSynchronized && _position is not null)
            {
                // It is not kept over there any more, or another process knows it not: from now on.
                _position = null;
            }
            catch (HypervisorException error) when (error.Outcome == RequestOutcome.NotSent || error is BackendConnectionException)
            {
                // Over the next connection, which makes itself.
                await _calls.Link.ReconnectedAsync(_disposing.Token).ConfigureAwait(false);
            }
        }
    }
}
