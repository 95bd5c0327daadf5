namespace Hypervisor.Sdk;

/// <summary>
/// The place of one backend in a registry: connects it when it is first asked for, once for all who ask meanwhile, and leaves it alone for a while after a failure. Whoever asks during that while is told
/// the reason at once, so that a dead backend costs nobody time.
/// </summary>
internal sealed class BackendSlot : IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _removed = new();
    private readonly Func<CancellationToken, Task<IBackend>> _connect;
    private readonly Action<BackendConnectionChangedEventArgs> _changed;
    private readonly BackendRegistryOptions _options;
    private readonly TimeProvider _time;
    private IBackend? _backend;
    private Task<IBackend>? _connecting;
    private HypervisorException? _problem;
    private int _failures;
    private DateTimeOffset _nextAttempt;
    private bool _isRemoved;

    public BackendSlot(BackendName name, string kind, Func<CancellationToken, Task<IBackend>> connect, BackendRegistryOptions options, TimeProvider time, Action<BackendConnectionChangedEventArgs> changed)
    {
        Name = name;
        Kind = kind;
        _connect = connect;
        _options = options;
        _time = time;
        _changed = changed;
    }

    public BackendName Name { get; }

    public string Kind { get; }

    public ValueTask<IBackend> GetAsync(CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
            return ValueTask.FromCanceled<IBackend>(cancellationToken);
        IBackend? closed = null;
        Task<IBackend> connecting;
        TaskCompletionSource<IBackend>? mine = null;
        lock (_gate)
        {
            if (_isRemoved)
                return ValueTask.FromException<IBackend>(BackendRegistry.NotFound(Name));
            if (_backend is { } backend)
            {
                if (backend.ConnectionState != BackendConnectionState.Closed)
                    return new(backend);
                closed = backend;
                _backend = null;
            }

            if (_connecting is null)
            {
                if (_problem is { } problem && _nextAttempt - _time.GetUtcNow() is { Ticks: > 0 } left)
                    return ValueTask.FromException<IBackend>(LeftAlone(problem, left));
                mine = new(TaskCreationOptions.RunContinuationsAsynchronously);
                _connecting = mine.Task;
            }

            connecting = _connecting;
        }

        if (mine is not null)
            _ = ConnectAsync(mine, closed);
        return new(connecting.WaitAsync(cancellationToken));
    }

    public BackendRegistration Describe()
    {
        lock (_gate)
        {
            return new()
            {
                Name = Name, Kind = Kind, Info = _backend?.Info, Problem = _problem,
                ConnectionState = _backend?.ConnectionState ?? (_connecting is not null ? BackendConnectionState.Connecting : _problem is not null ? BackendConnectionState.Disconnected : BackendConnectionState.Idle),
            };
        }
    }

    public async ValueTask DisposeAsync()
    {
        IBackend? backend;
        Task? connecting;
        lock (_gate)
        {
            if (_isRemoved)
                return;
            _isRemoved = true;
            backend = _backend;
            _backend = null;
            connecting = _connecting;
        }

        await _removed.CancelAsync().ConfigureAwait(false);
        if (connecting is not null)
            await connecting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (backend is not null)
            await ReleaseAsync(backend).ConfigureAwait(false);
        _removed.Dispose();
    }

    private async Task ConnectAsync(TaskCompletionSource<IBackend> result, IBackend? closed)
    {
        _changed(Transition(closed is null ? BackendConnectionState.Idle : BackendConnectionState.Closed, BackendConnectionState.Connecting, null));
        try
        {
            if (closed is not null)
                await ReleaseAsync(closed).ConfigureAwait(false);
            var backend = (await ConnectInTimeAsync().ConfigureAwait(false)).Decorate(_options.LimitsOf(Name), _time);
            backend.ConnectionChanged += OnConnectionChanged;
            if (!TryAccept(backend))
            {
                await ReleaseAsync(backend).ConfigureAwait(false);
                Fail(result, BackendRegistry.NotFound(Name));
                return;
            }

            _changed(Transition(BackendConnectionState.Connecting, BackendConnectionState.Connected, null));
            result.SetResult(backend);
        }
        catch (Exception exception)
        {
            var problem = exception as HypervisorException
                ?? new BackendConnectionException($"Backend '{Name}' cannot be connected: {exception.Message}", ErrorCode.Unspecified, RequestOutcome.NotSent, exception) { Backend = Name };
            Refuse(problem);
            _changed(Transition(BackendConnectionState.Connecting, BackendConnectionState.Disconnected, problem));
            Fail(result, problem);
        }
    }

    // Everybody who waited may have gone: reading the exception says that nobody has to.
    private static void Fail(TaskCompletionSource<IBackend> result, HypervisorException problem)
    {
        result.SetException(problem);
        _ = result.Task.Exception;
    }

    private async Task<IBackend> ConnectInTimeAsync()
    {
        using var deadline = new CancellationTokenSource(_options.ConnectTimeout, _time);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, _removed.Token);
        Task<IBackend>? connect = null;
        try
        {
            connect = _connect(linked.Token);
            return await connect.WaitAsync(linked.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (linked.IsCancellationRequested)
        {
            // What arrives too late belongs to nobody.
            if (connect is not null)
                _ = DisposeLateAsync(connect);
            if (_removed.IsCancellationRequested)
                throw BackendRegistry.NotFound(Name);
            throw new BackendConnectionException($"Backend '{Name}' did not answer within {_options.ConnectTimeout}.", ErrorCode.Timeout, RequestOutcome.NotSent) { Backend = Name };
        }
    }

    private static async Task DisposeLateAsync(Task<IBackend> connect)
    {
        await ((Task)connect).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (connect.IsCompletedSuccessfully)
            await connect.Result.DisposeAsync().ConfigureAwait(false);
    }

    private bool TryAccept(IBackend backend)
    {
        lock (_gate)
        {
            _connecting = null;
            if (_isRemoved)
                return false;
            _backend = backend;
            _problem = null;
            _failures = 0;
            return true;
        }
    }

    private void Refuse(HypervisorException problem)
    {
        lock (_gate)
        {
            _connecting = null;
            _problem = problem;
            double delay = Math.Min(_options.FirstRetryDelay.Ticks * Math.Pow(2, Math.Min(_failures++, 62)), _options.MaxRetryDelay.Ticks);
            _nextAttempt = _time.GetUtcNow() + TimeSpan.FromTicks(Math.Max((long)delay, problem.RetryAfter?.Ticks ?? 0));
        }
    }

    private async ValueTask ReleaseAsync(IBackend backend)
    {
        await backend.DisposeAsync().ConfigureAwait(false);
        backend.ConnectionChanged -= OnConnectionChanged;
    }

    private void OnConnectionChanged(object? sender, BackendConnectionChangedEventArgs change) => _changed(Transition(change.From, change.To, change.Reason));

    private BackendConnectionChangedEventArgs Transition(BackendConnectionState from, BackendConnectionState to, HypervisorException? reason) => new() { Backend = Name, From = from, To = to, Reason = reason };

    private BackendConnectionException LeftAlone(HypervisorException problem, TimeSpan left) =>
        new($"Backend '{Name}' could not be connected and is tried again in {Math.Ceiling(left.TotalSeconds)} s at the earliest: {problem.Message}", ErrorCode.Unavailable, RequestOutcome.NotSent, problem)
        {
            Backend = Name, RetryAfter = left, BackendCode = problem.BackendCode, BackendMessage = problem.BackendMessage,
        };
}
