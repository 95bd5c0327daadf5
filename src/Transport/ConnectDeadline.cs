namespace Hypervisor.Sdk.Transport;

/// <summary>The caller's token and the connect time-out as one token, and afterwards which of the two it was.</summary>
internal sealed class ConnectDeadline : IDisposable
{
    private readonly CancellationToken _caller;
    private readonly TimeSpan _timeout;
    private readonly TimeProvider _clock;
    private readonly CancellationTokenSource _timer;
    private readonly CancellationTokenSource _either;

    public ConnectDeadline(ConnectionOptions options, CancellationToken caller)
    {
        _caller = caller;
        _timeout = options.ConnectTimeout;
        _clock = options.TimeProvider;
        _timer = new CancellationTokenSource(options.ConnectTimeout, options.TimeProvider);
        _either = CancellationTokenSource.CreateLinkedTokenSource(caller, _timer.Token);
    }

    public CancellationToken Token => _either.Token;

    public void ThrowIfCallerCancelled() => _caller.ThrowIfCancellationRequested();

    public ConnectException TimedOut(string endpoint) => new(ConnectFailure.TimedOut, $"Connecting to {endpoint} failed: no connection within {_timeout.TotalSeconds:0.###} s.");

    /// <summary>Waits before the next attempt, or throws as the attempt itself would.</summary>
    public async Task DelayAsync(TimeSpan delay, string endpoint)
    {
        try
        {
            await Task.Delay(delay, _clock, Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            ThrowIfCallerCancelled();
            throw TimedOut(endpoint);
        }
    }

    public void Dispose()
    {
        _either.Dispose();
        _timer.Dispose();
    }
}
