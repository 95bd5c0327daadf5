using System.Diagnostics.CodeAnalysis;

namespace Hypervisor.Sdk.Drivers;

/// <summary>What every backend object has: a name, what it is, whether it answers, an end. A driver's class derives from it and implements the roles that it plays.</summary>
public abstract class DriverBackend : IBackend
{
    private int _state;

    /// <summary>Makes a backend that is connected.</summary>
    /// <param name="name">The name under which the application knows it.</param>
    /// <param name="info">What it is.</param>
    protected DriverBackend(BackendName name, BackendInfo info)
    {
        if (name.IsDefault)
            throw new ArgumentException("A backend name is needed.", nameof(name));
        Name = name;
        Info = info;
        _state = (int)BackendConnectionState.Connected;
    }

    /// <inheritdoc />
    public event EventHandler<BackendConnectionChangedEventArgs>? ConnectionChanged;

    /// <inheritdoc />
    public BackendName Name { get; }

    /// <inheritdoc />
    public BackendInfo Info { get; protected set; }

    /// <inheritdoc />
    public BackendConnectionState ConnectionState => (BackendConnectionState)Volatile.Read(ref _state);

    /// <inheritdoc />
    /// <remarks>By default what this class itself implements, and nothing but interfaces.</remarks>
    public virtual bool TryGet<TService>([NotNullWhen(true)] out TService? service)
        where TService : class
    {
        service = typeof(TService).IsInterface ? this as TService : null;
        return service is not null;
    }

    /// <inheritdoc />
    public abstract ValueTask<CapabilityAnswer> QueryAsync(Capability capability, CapabilityTarget target = default, CancellationToken cancellationToken = default);

    /// <inheritdoc />
    public async Task<BackendHealth> CheckHealthAsync(CancellationToken cancellationToken = default)
    {
        long begin = TimeProvider.System.GetTimestamp();
        try
        {
            ThrowIfClosed();
            await PingAsync(cancellationToken).ConfigureAwait(false);
            return new BackendHealth { IsHealthy = true, RoundTrip = TimeProvider.System.GetElapsedTime(begin) };
        }
        catch (Exception error) when (error is HypervisorException or ObjectDisposedException)
        {
            return new BackendHealth { IsHealthy = false, Problem = error.Message };
        }
    }

    /// <summary>Closes the backend once; see <see cref="CloseAsync"/>.</summary>
    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        var before = (BackendConnectionState)Interlocked.Exchange(ref _state, (int)BackendConnectionState.Closed);
        if (before == BackendConnectionState.Closed)
            return;
        await CloseAsync().ConfigureAwait(false);
        Say(before, BackendConnectionState.Closed, null);
    }

    /// <summary>Sends the server something that it must answer.</summary>
    /// <exception cref="HypervisorException">It does not.</exception>
    protected abstract Task PingAsync(CancellationToken cancellationToken);

    /// <summary>Lets go of what the backend holds: subscriptions, connections. Called once; must not throw.</summary>
    protected abstract ValueTask CloseAsync();

    /// <summary>Says that the connection has changed, once for each change. A closed backend stays closed.</summary>
    protected void MoveTo(BackendConnectionState state, HypervisorException? reason = null)
    {
        while (true)
        {
            var before = ConnectionState;
            if (before == BackendConnectionState.Closed || before == state)
                return;
            if (Interlocked.CompareExchange(ref _state, (int)state, (int)before) == (int)before)
            {
                Say(before, state, reason);
                return;
            }
        }
    }

    /// <summary>Refuses a call to a closed backend.</summary>
    /// <exception cref="ObjectDisposedException">It is closed.</exception>
    protected void ThrowIfClosed() => ObjectDisposedException.ThrowIf(ConnectionState == BackendConnectionState.Closed, this);

    private void Say(BackendConnectionState from, BackendConnectionState to, HypervisorException? reason) =>
        ConnectionChanged?.Invoke(this, new BackendConnectionChangedEventArgs { Backend = Name, From = from, To = to, Reason = reason });
}
