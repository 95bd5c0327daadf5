namespace Hypervisor.Sdk.Transport;

/// <summary>The caller's token and the connect time-out as one token, and afterwards which of the two it was.</summary>
internal sealed class ConnectDeadline : IDisposable
{
    private readonly CancellationToken _caller;
    private readonly TimeSpan _timeout;
    private readonly CancellationTokenSource _timer;
    private readonly CancellationTokenSource _either;

    public ConnectDeadline(ConnectionOptions options, CancellationToken caller)
    {
        _caller = caller;
        _timeout = options.ConnectTimeout;
        _timer = new CancellationTokenSource(options.ConnectTimeout, options.TimeProvider);
        _either = CancellationTokenSource.CreateLinkedTokenSource(caller, _timer.Token);
    }

    public CancellationToken Token => _either.Token;

    public void ThrowIfCallerCancelled() => _caller.ThrowIfCancellationRequested();

    public ConnectException TimedOut(string endpoint) => new(ConnectFailure.TimedOut, $"Connecting to {endpoint} failed: no connection within {_timeout.TotalSeconds:0.###} s.");

    public void Dispose()
    {
        _either.Dispose();
        _timer.Dispose();
    }
}
