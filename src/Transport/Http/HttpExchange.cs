using System.Diagnostics;
using System.Threading.Tasks.Sources;

namespace Hypervisor.Sdk.Transport.Http;

/// <summary>
/// One request on its way to its response: what the caller waits for, whichever connection carries it. Used again once the response is disposed; the generation tells a response that
/// is disposed from the one that uses the same object now.
/// </summary>
internal sealed class HttpExchange(HttpConnectionPool pool) : IValueTaskSource<HttpResponse>
{
    private readonly Lock _gate = new();
    private ManualResetValueTaskSourceCore<HttpResponse> _core;
    private CancellationTokenRegistration _registration;
    private CancellationToken _cancellationToken;
    private HttpConnection? _connection;
    private Phase _phase;
    private bool _isCancelled;
    private int _generation;
    private Activity? _activity;
    private long _started;

    private enum Phase
    {
        Ended,
        Waiting,
        Sent,
        Responded,
    }

    public HttpRequest Request { get; private set; } = null!;

    public HttpRequestBody? Body { get; private set; }

    public HttpHeader? Credentials { get; private set; }

    public HttpTimeouts Timeouts { get; private set; } = HttpTimeouts.Default;

    /// <summary>When all must be over, by the pool's clock.</summary>
    public long Deadline { get; private set; }

    /// <summary>How many connections it was given.</summary>
    public int Attempts { get; private set; }

    public CancellationToken CancellationToken => _cancellationToken;

    // The queue of the pool.
    public HttpExchange? Next { get; set; }

    public HttpExchange? Previous { get; set; }

    public bool IsQueued { get; set; }

    public void Begin(HttpRequest request, HttpRequestBody? body, HttpHeader? credentials, CancellationToken cancellationToken)
    {
        _core.Reset();
        Request = request;
        Body = body;
        Credentials = credentials;
        Timeouts = request.Timeouts ?? pool.Timeouts;
        Deadline = pool.DeadlineAfter(Timeouts.Whole);
        Attempts = 0;
        _cancellationToken = cancellationToken;
        _isCancelled = false;
        _phase = Phase.Waiting;
        _started = pool.Now;
        _activity = HttpTelemetry.Start(request, pool.Endpoint);
    }

    /// <summary>What the caller waits for. The last step of a call: nobody can have waited before it returns.</summary>
    public ValueTask<HttpResponse> AsTask()
    {
        if (_cancellationToken.CanBeCanceled)
            _registration = _cancellationToken.UnsafeRegister(static exchange => ((HttpExchange)exchange!).Cancel(), this);
        return new ValueTask<HttpResponse>(this, _core.Version);
    }

    /// <summary>A connection takes it; false when it is over already.</summary>
    public bool TryAssign(HttpConnection connection)
    {
        lock (_gate)
        {
            if (_phase != Phase.Waiting || _isCancelled)
                return false;
            _phase = Phase.Sent;
            _connection = connection;
            Attempts++;
            return true;
        }
    }

    /// <summary>The connection turned out to be dead before it took anything.</summary>
    public void Unassign()
    {
        lock (_gate)
        {
            _phase = Phase.Waiting;
            _connection = null;
        }
    }

    /// <summary>The head of the response is there.</summary>
    public void Respond(int status)
    {
        lock (_gate)
        {
            if (_phase != Phase.Sent)
                return;
            _phase = Phase.Responded;
        }

        HttpTelemetry.Stop(_activity, Request, pool, _started, status, null);
        _core.RunContinuationsAsynchronously = false;
        _core.SetResult(new HttpResponse(this, _generation));
    }

    /// <summary>The connection is lost before a response: repeats where that is safe, else fails.</summary>
    public void Lose(Exception error, bool canRepeat)
    {
        bool repeat;
        lock (_gate)
        {
            if (_phase != Phase.Sent)
                return;
            repeat = canRepeat && !_isCancelled;
            _connection = null;
            if (repeat)
                _phase = Phase.Waiting;
        }

        if (repeat)
            pool.Repeat(this);
        else
            Fail(error);
    }

    public void Fail(Exception error)
    {
        lock (_gate)
        {
            if (_phase is Phase.Responded or Phase.Ended)
                return;
            if (_isCancelled)
                error = new OperationCanceledException(_cancellationToken);
            _phase = Phase.Ended;
        }

        HttpTelemetry.Stop(_activity, Request, pool, _started, 0, error);
        _core.RunContinuationsAsynchronously = true;
        _core.SetException(error);
    }

    /// <summary>The connection of a response that is not disposed.</summary>
    public HttpConnection ConnectionOf(int generation)
    {
        HttpConnection? connection = _connection;
        ObjectDisposedException.ThrowIf(connection is null || Volatile.Read(ref _generation) != generation, typeof(HttpResponse));
        return connection;
    }

    public HttpConnectionPool Pool => pool;

    /// <summary>The response is disposed: the first time gives its connection.</summary>
    public HttpConnection? End(int generation)
    {
        if (Interlocked.CompareExchange(ref _generation, generation + 1, generation) != generation)
            return null;
        HttpConnection? connection = _connection;
        lock (_gate)
            _phase = Phase.Ended;
        return connection;
    }

    /// <summary>Forgets what it carried and is used again.</summary>
    public void Recycle()
    {
        _connection = null;
        Body = null;
        Credentials = null;
        _activity = null;
        _cancellationToken = default;
        pool.Recycle(this);
    }

    HttpResponse IValueTaskSource<HttpResponse>.GetResult(short token)
    {
        // Waits for a cancellation that is just running, so that it cannot meet the next exchange.
        _registration.Dispose();
        _registration = default;
        bool hasResponse = _core.GetStatus(token) == ValueTaskSourceStatus.Succeeded;
        try
        {
            return _core.GetResult(token);
        }
        finally
        {
            if (!hasResponse)
            {
                Interlocked.Increment(ref _generation);
                Recycle();
            }
        }
    }

    ValueTaskSourceStatus IValueTaskSource<HttpResponse>.GetStatus(short token) => _core.GetStatus(token);

    void IValueTaskSource<HttpResponse>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);

    private void Cancel()
    {
        HttpConnection? connection;
        Phase phase;
        lock (_gate)
        {
            _isCancelled = true;
            phase = _phase;
            connection = _connection;
        }

        if (phase == Phase.Waiting && pool.TryUnqueue(this))
            Fail(new OperationCanceledException(_cancellationToken));
        else if (phase == Phase.Sent)
            connection!.Abort(new ConnectionClosedException($"The request at {connection.Endpoint} was cancelled."));
    }
}
