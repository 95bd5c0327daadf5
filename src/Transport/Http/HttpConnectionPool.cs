using System.Text;

namespace Hypervisor.Sdk.Transport.Http;

/// <summary>
/// The connections to one HTTP/1.1 server, kept and used again. One per endpoint, for any number of threads and as long as the application lives. In steady state a prepared request
/// whose body is read by <see cref="HttpResponse.ReadSequenceAsync"/> allocates nothing.
/// </summary>
/// <remarks>
/// A request goes to another connection by itself only when its own, one that had served before, turned out to be dead before a byte of the response, and then only when nothing of it was sent
/// or its method is idempotent (RFC 9110, 9.2.2); once. Redirects are not followed, cookies not kept, proxies not asked.
/// </remarks>
public sealed partial class HttpConnectionPool : IAsyncDisposable
{
    /// <summary>
    /// The name of the activity source and the meter, which speak OpenTelemetry's names for HTTP clients: a span for each request until the head of its response, <c>http.client.request.duration</c>,
    /// <c>http.client.open_connections</c>. Queries, headers and bodies are in none of them.
    /// </summary>
    public const string TelemetryName = "Hypervisor.Sdk.Transport.Http";

    /// <summary>An idle connection that dies is found by its pending read; one that dies between two is tried once and then replaced by a new one.</summary>
    private const int MaxAttempts = 2;

    private readonly HttpPoolOptions _options;
    private readonly HttpEndpoint _endpoint;
    private readonly Lock _gate = new();
    private readonly List<HttpConnection> _all = [];
    private readonly Stack<HttpConnection> _idle;
    private readonly Stack<HttpExchange> _spare;
    private readonly ITimer _sweeper;
    private readonly TimeSpan _sweepPeriod;
    private HttpExchange? _firstWaiting;
    private HttpExchange? _lastWaiting;
    private int _waiting;
    private int _open;
    private bool _isSweeping;
    private bool _isDisposed;

    /// <summary>Makes a pool; it connects when the first request is sent.</summary>
    /// <param name="endpoint">The server.</param>
    /// <param name="options">Limits and time-outs; null for the defaults. Read now, not later.</param>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public HttpConnectionPool(HttpEndpoint endpoint, HttpPoolOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(endpoint);
        options ??= new HttpPoolOptions();
        options.Validate();
        _endpoint = endpoint;
        _options = options;
        Timeouts = options.Timeouts;
        MaxBodyBytes = options.MaxBodyBytes;
        MaxDecompressedBytes = options.MaxDecompressedBytes;
        Decompresses = options.Decompress;
        Clock = options.Connection.TimeProvider;
        OwnHeaders = Encoding.ASCII.GetBytes($"Host: {endpoint.Authority}\r\n{(options.Decompress ? "Accept-Encoding: gzip, deflate, br\r\n" : "")}");
        _idle = new Stack<HttpConnection>(options.MaxConnections);
        _spare = new Stack<HttpExchange>(options.MaxConnections);
        TimeSpan shortest = options.IdleLifetime == Timeout.InfiniteTimeSpan || options.Timeouts.Shortest < options.IdleLifetime ? options.Timeouts.Shortest : options.IdleLifetime;
        _sweepPeriod = TimeSpan.FromMilliseconds(Math.Clamp(shortest.TotalMilliseconds / 4, 10, 1000));
        _sweeper = Clock.CreateTimer(static pool => ((HttpConnectionPool)pool!).Sweep(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>The server.</summary>
    public HttpEndpoint Endpoint => _endpoint;

    /// <summary>How many connections are open now, or being opened.</summary>
    public int OpenConnections
    {
        get
        {
            lock (_gate)
                return _open;
        }
    }

    internal HttpTimeouts Timeouts { get; }

    internal long MaxBodyBytes { get; }

    internal long MaxDecompressedBytes { get; }

    internal bool Decompresses { get; }

    internal TimeProvider Clock { get; }

    internal byte[] OwnHeaders { get; }

    internal long Now => Clock.GetTimestamp();

    /// <summary>Sends a request and waits for the head of its response.</summary>
    /// <param name="request">The request, prepared once.</param>
    /// <param name="cancellationToken">Cancels until the response is there, and closes the connection that the request was sent on; reading the body takes tokens of its own.</param>
    /// <returns>The response, to be disposed.</returns>
    /// <exception cref="ConnectException">No connection could be made.</exception>
    /// <exception cref="HttpException">There is no response; <see cref="HttpException.Failure"/> says why, <see cref="HttpException.MaybeSent"/> whether the server may have acted.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; the server may have acted.</exception>
    public ValueTask<HttpResponse> SendAsync(HttpRequest request, CancellationToken cancellationToken = default) => SendAsync(request, null, cancellationToken);

    /// <summary>Sends a request with a body and waits for the head of its response, which may come before all of the body is sent.</summary>
    /// <inheritdoc cref="SendAsync(HttpRequest, CancellationToken)"/>
    /// <param name="request">The request, prepared once.</param>
    /// <param name="body">Its body, or null for none.</param>
    /// <param name="cancellationToken">Cancels until the response is there.</param>
    public ValueTask<HttpResponse> SendAsync(HttpRequest request, HttpRequestBody? body, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (cancellationToken.IsCancellationRequested)
            return ValueTask.FromCanceled<HttpResponse>(cancellationToken);
        HttpHeader? credentials = _options.Credentials?.Invoke();
        HttpExchange exchange;
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            if (!_spare.TryPop(out exchange!))
                exchange = new HttpExchange(this);
        }

        exchange.Begin(request, body, credentials, cancellationToken);
        Start(exchange);
        return exchange.AsTask();
    }

    /// <summary>Closes all connections; what is pending fails.</summary>
    public async ValueTask DisposeAsync()
    {
        HttpConnection[] connections;
        var waiting = new List<HttpExchange>();
        lock (_gate)
        {
            if (_isDisposed)
                return;
            _isDisposed = true;
            connections = [.. _all];
            _idle.Clear();
            while (Dequeue() is { } exchange)
                waiting.Add(exchange);
        }

        await _sweeper.DisposeAsync().ConfigureAwait(false);
        foreach (HttpExchange exchange in waiting)
            exchange.Fail(new ObjectDisposedException(nameof(HttpConnectionPool)));
        foreach (HttpConnection connection in connections)
        {
            connection.Abort(new ConnectionClosedException($"The connection to {_endpoint} was closed: its pool was disposed."));
            Forget(connection);
        }
    }

    internal long DeadlineAfter(TimeSpan time) => time == Timeout.InfiniteTimeSpan ? long.MaxValue : Now + (long)(time.TotalSeconds * Clock.TimestampFrequency);

    internal void Recycle(HttpExchange exchange)
    {
        lock (_gate)
        {
            if (_spare.Count < _options.MaxConnections)
                _spare.Push(exchange);
        }
    }

    /// <summary>A connection is free: it takes who waits longest, or rests.</summary>
    internal void Return(HttpConnection connection)
    {
        while (true)
        {
            HttpExchange? waiting;
            lock (_gate)
            {
                if (connection.IsDead || _isDisposed)
                    break;
                waiting = Dequeue();
                if (waiting is null)
                {
                    connection.IdleSince = Now;
                    _idle.Push(connection);
                    return;
                }
            }

            if (connection.TryStart(waiting))
                return;
            Start(waiting);
        }

        connection.Abort(new ConnectionClosedException($"The connection to {_endpoint} was closed: its pool was disposed."));
        Forget(connection);
    }

    /// <summary>A connection is over, or somebody else's: its place is free.</summary>
    internal void Forget(HttpConnection connection)
    {
        lock (_gate)
        {
            if (!_all.Remove(connection))
                return;
        }

        HttpTelemetry.Opened(_endpoint, -1);
        GiveUpPlace();
    }

    /// <summary>A request whose connection was dead goes to a new one.</summary>
    internal void Repeat(HttpExchange exchange) => Start(exchange);

    internal bool TryUnqueue(HttpExchange exchange)
    {
        lock (_gate)
        {
            if (!exchange.IsQueued)
                return false;
            Remove(exchange);
            return true;
        }
    }

    private void Start(HttpExchange exchange)
    {
        while (true)
        {
            HttpConnection? connection;
            lock (_gate)
            {
                // What was dead once goes to a new connection, not to the next one of the same age.
                if (exchange.Attempts > 0 || !_idle.TryPop(out connection))
                {
                    connection = null;
                    if (!_isDisposed && _open >= _options.MaxConnections)
                    {
                        if (_waiting < _options.MaxWaiting)
                        {
                            Enqueue(exchange);
                            return;
                        }
                    }
                    else
                    {
                        _open++;
                        Sweeping();
                        _ = OpenAsync(exchange);
                        return;
                    }
                }
            }

            if (connection is null)
            {
                exchange.Fail(new HttpException(HttpFailure.PoolExhausted, maybeSent: false, $"{exchange.Request} at {_endpoint} was not sent: {_options.MaxWaiting} requests wait for one of {_options.MaxConnections} connections."));
                return;
            }

            if (connection.TryStart(exchange))
                return;
        }
    }

    private async Task OpenAsync(HttpExchange exchange)
    {
        // Not under the lock of the one who began it.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        HttpConnection connection;
        try
        {
            connection = await ConnectAsync(exchange).ConfigureAwait(false);
        }
        catch (Exception error)
        {
            // Whatever it is belongs to the caller who waits.
            GiveUpPlace();
            exchange.Fail(error);
            return;
        }

        bool isDisposed;
        lock (_gate)
        {
            isDisposed = _isDisposed;
            _all.Add(connection);
        }

        HttpTelemetry.Opened(_endpoint, 1);
        connection.Open();
        if (isDisposed)
        {
            exchange.Fail(new ObjectDisposedException(nameof(HttpConnectionPool)));
            connection.Abort(new ConnectionClosedException($"The connection to {_endpoint} was closed: its pool was disposed."));
            Forget(connection);
        }
        else if (!connection.TryStart(exchange))
        {
            exchange.Fail(new HttpException(HttpFailure.ConnectionLost, maybeSent: false, $"{exchange.Request} at {_endpoint} was not sent: the server ended the connection at once."));
            Return(connection);
        }
    }

    private async Task<HttpConnection> ConnectAsync(HttpExchange exchange)
    {
        TimeSpan left = exchange.Deadline == long.MaxValue ? Timeout.InfiniteTimeSpan : TimeSpan.FromSeconds((double)Math.Max(0, exchange.Deadline - Now) / Clock.TimestampFrequency);
        using var whole = new CancellationTokenSource(left, Clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(whole.Token, exchange.CancellationToken);
        try
        {
            Connection wire = await _endpoint.ConnectAsync(_options.Connection, either.Token).ConfigureAwait(false);
            return new HttpConnection(this, wire, _options);
        }
        catch (OperationCanceledException)
        {
            exchange.CancellationToken.ThrowIfCancellationRequested();
            throw new HttpException(HttpFailure.TimedOut, maybeSent: false, $"{exchange.Request} at {_endpoint} was not sent: there was no connection within the time-out of the whole.");
        }
    }

    private void GiveUpPlace()
    {
        HttpExchange? waiting;
        lock (_gate)
        {
            _open--;
            waiting = Dequeue();
            if (waiting is null)
            {
                Sweeping();
                return;
            }

            _open++;
        }

        _ = OpenAsync(waiting);
    }
}
