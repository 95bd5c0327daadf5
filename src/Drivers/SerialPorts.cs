namespace Hypervisor.Sdk.Drivers;

/// <summary>Who has which serial port open: one session a port. Those who open different ports wait for nobody.</summary>
/// <typeparam name="TKey">What a port is known by.</typeparam>
/// <param name="backend">Whose ports.</param>
public sealed class SerialPorts<TKey>(BackendName backend) : IAsyncDisposable
    where TKey : notnull
{
    private readonly Dictionary<TKey, Port> _ports = [];

    /// <summary>Opens a port, after the session of this process that has it open was ended where the options say so.</summary>
    /// <param name="key">The port.</param>
    /// <param name="id">The instance.</param>
    /// <param name="name">Its name, for what users are told.</param>
    /// <param name="options">Whether to take it over.</param>
    /// <param name="connect">Makes the session.</param>
    /// <param name="cancellationToken">Ends the waiting for others who open the same port.</param>
    /// <exception cref="HypervisorException">It is open already (<see cref="ErrorCode.Locked"/>).</exception>
    public async Task<ConsoleSession> OpenAsync(TKey key, InstanceId id, string name, ConsoleOptions options, Func<Task<SerialSession>> connect, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(connect);
        var port = Enter(key);
        try
        {
            await port.Turn.WaitAsync(cancellationToken).ConfigureAwait(false);
            try
            {
                if (port.Session is { Completion.IsCompleted: false } other)
                {
                    if (!options.TakeOver)
                        throw Locked(id, name, "a session of this process; ask to take it over");
                    await other.EndAsync(new HypervisorException($"The console of '{name}' was taken over by another session.", ErrorCode.Locked, RequestOutcome.Rejected) { Backend = backend }).ConfigureAwait(false);
                }

                var session = await connect().ConfigureAwait(false);
                port.Session = session;
                _ = ForgetAsync(key, port, session);
                return session;
            }
            finally
            {
                port.Turn.Release();
            }
        }
        finally
        {
            Leave(key, port);
        }
    }

    /// <summary>The refusal of a port that somebody has open.</summary>
    /// <param name="id">The instance.</param>
    /// <param name="name">Its name.</param>
    /// <param name="holder">Who has it: "another process".</param>
    /// <param name="error">What the backend said, where it was it that refused.</param>
    public HypervisorException Locked(InstanceId id, string name, string holder, HypervisorException? error = null) =>
        new($"The console of '{name}' is open in {holder}.", ErrorCode.Locked, RequestOutcome.Rejected, error)
        {
            Backend = backend, Resource = $"instance {id}", BackendCode = error?.BackendCode, BackendMessage = error?.BackendMessage,
        };

    /// <summary>Closes every session.</summary>
    public async ValueTask DisposeAsync()
    {
        List<SerialSession> open;
        lock (_ports)
            open = [.. _ports.Values.Select(port => port.Session).OfType<SerialSession>()];
        foreach (var session in open)
            await session.DisposeAsync().ConfigureAwait(false);
    }

    private Port Enter(TKey key)
    {
        lock (_ports)
        {
            if (!_ports.TryGetValue(key, out var port))
                _ports[key] = port = new Port();
            port.Users++;
            return port;
        }
    }

    private void Leave(TKey key, Port port)
    {
        lock (_ports)
        {
            if (--port.Users == 0)
                _ports.Remove(key);
        }
    }

    // A session that is open is a user of its port.
    private async Task ForgetAsync(TKey key, Port port, SerialSession session)
    {
        lock (_ports)
            port.Users++;
        await session.Completion.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Leave(key, port);
    }

    private sealed class Port
    {
        public SemaphoreSlim Turn { get; } = new(1, 1);

        public SerialSession? Session { get; set; }

        /// <summary>How many open it, or have it open.</summary>
        public int Users { get; set; }
    }
}
