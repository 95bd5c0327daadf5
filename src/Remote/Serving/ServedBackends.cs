using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using Hypervisor.Sdk.Remote.Sessions;
using Hypervisor.Sdk.Remote.Wire;

namespace Hypervisor.Sdk.Remote.Serving;

/// <summary>The backends that the other end of a connection has, as far as drivers say something to each other: found by their names there, and reached through it.</summary>
internal sealed class ServedBackends(Peer peer, WireJson json, BackendName own)
{
    /// <summary>Finds one.</summary>
    public async ValueTask<IBackend> FindAsync(BackendName name, CancellationToken cancellationToken)
    {
        var values = json.Read(await CallAsync(new Exchange(peer, "backends.find", false, json.Write().Add(name).ToBytes()), cancellationToken).ConfigureAwait(false));
        try
        {
            return new OtherBackend(this, name, values.Next<BackendInfo>(), values.Next<bool>());
        }
        catch (JsonException error)
        {
            throw WireFailure.Unreadable(error, "finding a backend", own, changes: false);
        }
    }

    private async Task<BackendChannel> OpenAsync(BackendName backend, string name, ReadOnlyMemory<byte> greeting, CancellationToken cancellationToken)
    {
        var call = new Exchange(peer, "backends.open", true, json.Write().Add(backend).Add(name).Add<ReadOnlyMemory<byte>>(greeting).ToBytes());
        try
        {
            await CallAsync(call, cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            call.Cancel();
            throw;
        }

        return new RemoteChannel(new OpenCall(this, call));
    }

    private async Task<byte[]> CallAsync(Exchange call, CancellationToken cancellationToken)
    {
        try
        {
            await peer.CallAsync(call, cancellationToken).ConfigureAwait(false);
            return await call.Answered.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception error) when (error is WireErrorException or PeerLostException)
        {
            throw Translate(error, cancellationToken);
        }
    }

    private Exception Translate(Exception error, CancellationToken cancellationToken) => error switch
    {
        WireErrorException failed => WireFailure.Read(json, failed.Failure, "reaching another backend", own, changes: false, cancellationToken),
        PeerLostException lost => WireFailure.Lost(lost, "reaching another backend", own, isSent: true, changes: true),
        _ => error,
    };

    /// <summary>A backend of the other end.</summary>
    private sealed class OtherBackend(ServedBackends backends, BackendName name, BackendInfo info, bool hasChannels) : IBackend, IBackendChannels
    {
        public event EventHandler<BackendConnectionChangedEventArgs>? ConnectionChanged
        {
            add { }
            remove { }
        }

        public BackendName Name => name;

        public BackendInfo Info => info;

        public BackendConnectionState ConnectionState => backends.IsAlive ? BackendConnectionState.Connected : BackendConnectionState.Closed;

        public Task<BackendChannel> OpenAsync(string channel, ReadOnlyMemory<byte> greeting, CancellationToken cancellationToken = default) => backends.OpenAsync(name, channel, greeting, cancellationToken);

        public bool TryGet<TService>([NotNullWhen(true)] out TService? service)
            where TService : class
        {
            service = hasChannels && typeof(TService) == typeof(IBackendChannels) ? this as TService : null;
            return service is not null;
        }

        public ValueTask<CapabilityAnswer> QueryAsync(Capability capability, CapabilityTarget target = default, CancellationToken cancellationToken = default) =>
            new(CapabilityAnswer.No($"'{name}' is a backend of the process that has connected this one, which is asked there."));

        public Task<BackendHealth> CheckHealthAsync(CancellationToken cancellationToken = default) =>
            Task.FromResult(new BackendHealth { IsHealthy = backends.IsAlive, Problem = backends.IsAlive ? null : "The process that has it is gone." });

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }

    private bool IsAlive => peer.IsAlive;

    /// <summary>A channel that this end has opened.</summary>
    private sealed class OpenCall(ServedBackends backends, Exchange call) : IOpenCall
    {
        public bool IsLost => !call.Peer.IsAlive;

        public async ValueTask<byte[]?> ReceiveAsync(CancellationToken cancellationToken)
        {
            try
            {
                return await call.ReceiveAsync(cancellationToken).ConfigureAwait(false);
            }
            catch (Exception error) when (error is PeerLostException or WireErrorException)
            {
                throw backends.Translate(error, cancellationToken);
            }
        }

        public async ValueTask SendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
        {
            try
            {
                await call.SendBytesAsync(bytes, cancellationToken).ConfigureAwait(false);
            }
            catch (PeerLostException error)
            {
                throw backends.Translate(error, cancellationToken);
            }
        }

        public async ValueTask EndInputAsync()
        {
            try
            {
                await call.EndInputAsync().ConfigureAwait(false);
            }
            catch (PeerLostException error)
            {
                throw backends.Translate(error, CancellationToken.None);
            }
        }

        public async Task CompletedAsync()
        {
            try
            {
                await call.Ended.ConfigureAwait(false);
            }
            catch (Exception error) when (error is PeerLostException or WireErrorException)
            {
                throw backends.Translate(error, CancellationToken.None);
            }
        }

        public async ValueTask DisposeAsync()
        {
            call.Cancel();
            await ((Task)call.Ended).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
