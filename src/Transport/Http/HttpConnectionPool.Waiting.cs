namespace Hypervisor.Sdk.Transport.Http;

/// <content>Who waits for a connection, and what has waited too long.</content>
public sealed partial class HttpConnectionPool
{
    /// <summary>Puts an exchange behind those that wait. Under the lock.</summary>
    private void Enqueue(HttpExchange exchange)
    {
        exchange.IsQueued = true;
        exchange.Previous = _lastWaiting;
        exchange.Next = null;
        if (_lastWaiting is null)
            _firstWaiting = exchange;
        else
            _lastWaiting.Next = exchange;
        _lastWaiting = exchange;
        _waiting++;
    }

    private HttpExchange? Dequeue()
    {
        HttpExchange? first = _firstWaiting;
        if (first is not null)
            Remove(first);
        return first;
    }

    private void Remove(HttpExchange exchange)
    {
        if (exchange.Previous is null)
            _firstWaiting = exchange.Next;
        else
            exchange.Previous.Next = exchange.Next;
        if (exchange.Next is null)
            _lastWaiting = exchange.Previous;
        else
            exchange.Next.Previous = exchange.Previous;
        exchange.Next = exchange.Previous = null;
        exchange.IsQueued = false;
        _waiting--;
    }

    /// <summary>The timer runs while there are connections. Under the lock.</summary>
    private void Sweeping()
    {
        bool wanted = _open > 0 && !_isDisposed;
        if (wanted == _isSweeping)
            return;
        _isSweeping = wanted;
        TimeSpan period = wanted ? _sweepPeriod : Timeout.InfiniteTimeSpan;
        _sweeper.Change(period, period);
    }

    /// <summary>
    /// One timer looks after all: a timer for each request would cost more than the request. So a time-out comes late by up to a period, and never early.
    /// </summary>
    private void Sweep()
    {
        long now = Now;
        long idleBefore = _options.IdleLifetime == Timeout.InfiniteTimeSpan ? long.MinValue : now - (long)(_options.IdleLifetime.TotalSeconds * Clock.TimestampFrequency);
        List<HttpConnection>? expired = null;
        List<HttpExchange>? late = null;
        lock (_gate)
        {
            foreach (HttpConnection connection in _all)
            {
                if (connection.IsLate(now))
                    (expired ??= []).Add(connection);
            }

            for (HttpExchange? exchange = _firstWaiting; exchange is not null;)
            {
                HttpExchange? next = exchange.Next;
                if (exchange.Deadline <= now)
                {
                    Remove(exchange);
                    (late ??= []).Add(exchange);
                }

                exchange = next;
            }
        }

        foreach (HttpConnection connection in expired ?? [])
            connection.Sweep(now);
        foreach (HttpExchange exchange in late ?? [])
            exchange.Fail(new HttpException(HttpFailure.TimedOut, maybeSent: false, $"{exchange.Request} at {_endpoint} was not sent: no connection was free within the time-out."));
        CloseUnused(idleBefore);
    }

    private void CloseUnused(long idleBefore)
    {
        List<HttpConnection>? unused = null;
        lock (_gate)
        {
            foreach (HttpConnection connection in _idle)
            {
                if (connection.IdleSince <= idleBefore || connection.IsDead)
                    (unused ??= []).Add(connection);
            }

            if (unused is null)
                return;
            // The stack's top is the youngest.
            HttpConnection[] kept = [.. _idle.Except(unused).Reverse()];
            _idle.Clear();
            foreach (HttpConnection connection in kept)
                _idle.Push(connection);
        }

        foreach (HttpConnection connection in unused)
        {
            connection.Abort(new ConnectionClosedException($"The connection to {_endpoint} was closed: it was not used."));
            Forget(connection);
        }
    }
}
