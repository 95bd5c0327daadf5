using System.Text.Json;
using Hypervisor.Sdk.Remote.Services;
using Hypervisor.Sdk.Remote.Serving;
using Hypervisor.Sdk.Remote.Wire;
using Hypervisor.Sdk.Transport;

namespace Hypervisor.Sdk.Remote.Calls;

/// <summary>The connection that there is, or the next one. When one is lost the next is made by itself, and at once by whoever calls.</summary>
internal sealed class RemoteLink(RemoteBackendOptions options, WireJson json, BackendName name) : IAsyncDisposable
{
    private static readonly TimeSpan s_firstPause = TimeSpan.FromMilliseconds(100);

    private readonly Lock _gate = new();
#pragma warning disable CA2213 // It has no timer and no wait handle, and what is under way when this is disposed still asks it.
    private readonly CancellationTokenSource _disposing = new();
#pragma warning restore CA2213
    private Greeting? _greeting;
    private Task<Greeting>? _connecting;
    private Task _reconnecting = Task.CompletedTask;
    private BackendConnectionState _state = BackendConnectionState.Idle;

    public event EventHandler<BackendConnectionChangedEventArgs>? Changed;

    public BackendConnectionState State
    {
        get
        {
            lock (_gate)
                return _state;
        }
    }

    /// <summary>What the other end said of itself last.</summary>
    public Greeting Last => Volatile.Read(ref _greeting)!;

    private bool IsDisposed => _disposing.IsCancellationRequested;

    /// <summary>The connection; made when there is none.</summary>
    /// <exception cref="HypervisorException">There is none: nothing was sent.</exception>
    /// <exception cref="ObjectDisposedException">The backend was disposed.</exception>
    public async ValueTask<Peer> GetAsync(CancellationToken cancellationToken)
    {
        try
        {
            return (await ConnectAsync(cancellationToken).ConfigureAwait(false)).Peer;
        }
        catch (HypervisorException error)
        {
            throw new BackendConnectionException($"There is no connection to the backend '{name}': {error.Message}", error.Code, RequestOutcome.NotSent, error) { Backend = name, BackendCode = error.BackendCode, BackendMessage = error.BackendMessage };
        }
    }

    /// <summary>The same, with what goes wrong as it is.</summary>
    public async Task<Greeting> ConnectAsync(CancellationToken cancellationToken)
    {
        Task<Greeting> connecting;
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(IsDisposed, typeof(RemoteBackend));
            if (_greeting is { Peer.IsAlive: true } current)
                return current;
            connecting = _connecting ??= Task.Run(MakeAsync, CancellationToken.None);
        }

        return await connecting.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Completes when what connects again by itself has done so, or has given up because the backend was disposed.</summary>
    public Task ReconnectedAsync(CancellationToken cancellationToken)
    {
        lock (_gate)
            return _reconnecting.WaitAsync(cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        Greeting? greeting;
        Task<Greeting>? connecting;
        Task reconnecting;
        lock (_gate)
        {
            if (IsDisposed)
                return;
            _disposing.Cancel();
            (greeting, connecting, reconnecting) = (_greeting, _connecting, _reconnecting);
        }

        Move(BackendConnectionState.Closed, null);
        if (connecting is not null)
            await ((Task)connecting).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await reconnecting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (greeting is not null)
            await greeting.Peer.DisposeAsync().ConfigureAwait(false);
        if (connecting is { IsCompletedSuccessfully: true })
            await (await connecting.ConfigureAwait(false)).Peer.DisposeAsync().ConfigureAwait(false);
        if (options.Owned is not null)
            await options.Owned.DisposeAsync().ConfigureAwait(false);
    }

    private async Task<Greeting> MakeAsync()
    {
        using var timer = new CancellationTokenSource(options.ConnectTimeout, options.TimeProvider);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, _disposing.Token);
        Move(BackendConnectionState.Connecting, null);
        Greeting? made = null;
        HypervisorException? failure = null;
        try
        {
            return made = await GreetAsync(await options.Connect!(either.Token).ConfigureAwait(false), either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException error) when (timer.IsCancellationRequested)
        {
            throw failure = new BackendConnectionException($"What serves the backend '{name}' did not answer within {options.ConnectTimeout}.", ErrorCode.Timeout, RequestOutcome.NotSent, error) { Backend = name };
        }
        catch (HypervisorException error)
        {
            failure = error;
            throw;
        }
        catch (Exception error) when (error is not (OperationCanceledException or ArgumentException))
        {
            throw failure = new BackendConnectionException($"What serves the backend '{name}' cannot be reached: {error.Message}", ErrorCode.Unavailable, RequestOutcome.NotSent, error) { Backend = name };
        }
        finally
        {
            lock (_gate)
            {
                _connecting = null;
                if (made is not null)
                    _greeting = made;
            }

            Move(made is null ? BackendConnectionState.Disconnected : BackendConnectionState.Connected, failure);
            if (made is not null)
                _ = ReconnectAfterAsync(made.Peer);
        }
    }

    private async Task<Greeting> GreetAsync(Connection connection, CancellationToken cancellationToken)
    {
        var peer = new Peer(connection, isCaller: true, exchange => ServeAsync(exchange), (error, isCancelled) => WireFailure.Write(json, error, isCancelled));
        peer.Begin();
        try
        {
            var hello = new Exchange(peer, WireProtocol.Hello, false, json.Write().Add<long>(WireProtocol.Version).Add(name).Add<ReadOnlyMemory<byte>>(options.Settings).ToBytes());
            await peer.CallAsync(hello, cancellationToken).ConfigureAwait(false);
            var values = json.Read(await hello.Answered.WaitAsync(cancellationToken).ConfigureAwait(false));
            long version = values.Next<long>();
            if (version != WireProtocol.Version)
                throw new BackendProtocolException($"What serves the backend '{name}' speaks version {version} of the protocol, and this side version {WireProtocol.Version}: both must be of the same release.", ErrorCode.Unsupported, RequestOutcome.Rejected) { Backend = name };
            var info = values.Next<BackendInfo>();
            return new Greeting(peer, options.Endpoint is null ? info : new BackendInfo { Kind = info.Kind, ServerVersion = info.ServerVersion, ParsedVersion = info.ParsedVersion, Endpoint = options.Endpoint, Naming = info.Naming }, [.. values.NextMany<string>()]);
        }
        catch (Exception error)
        {
            await peer.DisposeAsync().ConfigureAwait(false);
            throw error switch
            {
                WireErrorException failed => WireFailure.Read(json, failed.Failure, "opening", name, changes: false, cancellationToken),
                PeerLostException lost => WireFailure.Lost(lost, "opening", name, isSent: true, changes: false),
                JsonException unreadable => WireFailure.Unreadable(unreadable, "opening", name, changes: false),
                _ => error,
            };
        }
    }

    /// <summary>What the other end may ask this one.</summary>
    private async Task<ReadOnlyMemory<byte>> ServeAsync(Exchange exchange)
    {
        if (exchange.Name is "backends.find" or "backends.open")
            return await ServeBackendAsync(exchange).ConfigureAwait(false);
        var values = json.ReadStrict(exchange.Arguments);
        switch (exchange.Name)
        {
            case "secrets.get":
                var reference = values.Next<SecretReference>();
                if (options.Secrets is null)
                    throw new HypervisorException($"The backend '{name}' needs the secret '{reference.Name}', and there is nobody to ask for it.", ErrorCode.NotFound, RequestOutcome.Rejected) { Backend = name };
                return (await options.Secrets.GetAsync(reference, exchange.Token).ConfigureAwait(false)).Reveal().ToArray();
            case "progress.report":
                exchange.Peer.Report(values.Next<ulong>(), new TransferProgress(values.Next<long>(), values.Find<long?>()));
                return default;
            default:
                throw new HypervisorException($"There is no call '{exchange.Name}'.", ErrorCode.Unsupported, RequestOutcome.Rejected);
        }
    }

    /// <summary>Leads the other end to another backend of this one.</summary>
    private async Task<ReadOnlyMemory<byte>> ServeBackendAsync(Exchange exchange)
    {
        var arguments = json.ReadStrict(exchange.Arguments);
        var wanted = arguments.Next<BackendName>();
        if (options.FindBackend is not { } find)
            throw new HypervisorException($"The backend '{name}' asks for the backend '{wanted}', and was not told how to find others ({nameof(RemoteBackendOptions)}.{nameof(RemoteBackendOptions.FindBackend)}).", ErrorCode.NotFound, RequestOutcome.Rejected) { Backend = name };
        var backend = await find(wanted, exchange.Token).ConfigureAwait(false);
        bool hasChannels = backend.TryGet<IBackendChannels>(out var channels);
        if (exchange.Name == "backends.find")
            return json.Write().Add(backend.Info).Add(hasChannels).ToBytes();
        if (channels is null)
            throw new HypervisorException($"The backend '{wanted}' has no channels.", ErrorCode.Unsupported, RequestOutcome.Rejected) { Backend = wanted };
        // The name of the backend is before what the channel is told.
        var call = new ServedCall(backend, exchange, json, new ServedOperations());
        call.Next<BackendName>();
        return await RemoteChannels.CarryAsync(channels, call).ConfigureAwait(false);
    }

    private async Task ReconnectAfterAsync(Peer peer)
    {
        var lost = await peer.Lost.ConfigureAwait(false);
        lock (_gate)
        {
            if (IsDisposed)
                return;
            _reconnecting = Task.Run(ReconnectAsync, CancellationToken.None);
        }

        Move(BackendConnectionState.Disconnected, WireFailure.Lost(lost, "the next call", name, isSent: false, changes: false));
        await peer.DisposeAsync().ConfigureAwait(false);
    }

    private async Task ReconnectAsync()
    {
        var pause = s_firstPause;
        while (!IsDisposed)
        {
            try
            {
                await ConnectAsync(_disposing.Token).ConfigureAwait(false);
                return;
            }
            catch (Exception error) when (error is HypervisorException or OperationCanceledException or ObjectDisposedException or ArgumentException)
            {
                // Said by the state already; the next attempt follows.
            }

            await Task.Delay(pause, options.TimeProvider, _disposing.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            pause = pause * 2 < options.MaxReconnectPause ? pause * 2 : options.MaxReconnectPause;
        }
    }

    private void Move(BackendConnectionState to, HypervisorException? reason)
    {
        BackendConnectionState from;
        lock (_gate)
        {
            // Closed is the last; and a connection that was made while the one before is still being told as lost stays what it is.
            if (_state == to || _state == BackendConnectionState.Closed || (to == BackendConnectionState.Disconnected && reason is not null && _greeting is { Peer.IsAlive: true }))
                return;
            from = _state;
            _state = to;
        }

        Changed?.Invoke(this, new BackendConnectionChangedEventArgs { Backend = name, From = from, To = to, Reason = reason });
    }
}
