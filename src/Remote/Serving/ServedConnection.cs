using System.Text.Json;
using Hypervisor.Sdk.Remote.Services;
using Hypervisor.Sdk.Remote.Wire;
using Hypervisor.Sdk.Transport;

namespace Hypervisor.Sdk.Remote.Serving;

/// <summary>One connection that is served, with the backend that was opened for it.</summary>
internal sealed class ServedConnection : IAsyncDisposable
{
    /// <summary>How long what is under way may take to end when the caller is gone.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    private readonly Peer _peer;
    private readonly Func<BackendOpening, CancellationToken, Task<IBackend>> _open;
    private readonly WireJson _json;
    private readonly ServedOperations _operations = new();
    private int _isGreeted;
    private IBackend? _backend;

    public ServedConnection(Connection connection, Func<BackendOpening, CancellationToken, Task<IBackend>> open, WireJson json)
    {
        _open = open;
        _json = json;
        _peer = new Peer(connection, isCaller: false, ServeAsync, (error, isCancelled) => WireFailure.Write(json, error, isCancelled));
    }

    /// <summary>Serves until the other end is gone.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        _peer.Begin();
        await _peer.Lost.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        await _peer.DisposeAsync().ConfigureAwait(false);
        try
        {
            await _peer.ServedAsync().WaitAsync(s_patience).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // A driver that does not heed its token is left behind: nobody is there any more whom it could tell.
        }

        if (_backend is not null)
            await _backend.DisposeAsync().ConfigureAwait(false);
    }

    private Task<ReadOnlyMemory<byte>> ServeAsync(Exchange exchange)
    {
        if (exchange.Name == WireProtocol.Hello)
            return GreetAsync(exchange);
        var backend = Volatile.Read(ref _backend) ?? throw new HypervisorException("No backend is open: a connection begins with a greeting.", ErrorCode.InvalidState, RequestOutcome.Rejected);
        return RemoteServices.Routes.TryGetValue(exchange.Name, out var route)
            ? route(new ServedCall(backend, exchange, _json, _operations))
            : throw new HypervisorException($"There is no call '{exchange.Name}'.", ErrorCode.Unsupported, RequestOutcome.Rejected);
    }

    private async Task<ReadOnlyMemory<byte>> GreetAsync(Exchange exchange)
    {
        var values = _json.Read(exchange.Arguments);
        long version = values.Next<long>();
        if (version != WireProtocol.Version)
            throw new BackendProtocolException($"What connects speaks version {version} of the protocol, and what serves the backend version {WireProtocol.Version}: both must be of the same release.", ErrorCode.Unsupported, RequestOutcome.Rejected);
        if (Interlocked.Exchange(ref _isGreeted, 1) != 0)
            throw new HypervisorException("A backend is open already on this connection.", ErrorCode.InvalidState, RequestOutcome.Rejected);
        var name = values.Next<BackendName>();
        var opening = new BackendOpening { Name = name, Settings = values.Next<ReadOnlyMemory<byte>>(), Secrets = new ServedSecrets(_peer, _json, name), FindBackend = new ServedBackends(_peer, _json, name).FindAsync };
        var backend = await _open(opening, exchange.Token).ConfigureAwait(false);
        Volatile.Write(ref _backend, backend);
        return _json.Write().Add<long>(WireProtocol.Version).Add(backend.Info).AddMany(RemoteServices.All.Where(service => service.IsGivenBy(backend)).Select(service => service.Word)).ToBytes();
    }

    /// <summary>Asks the other end for secrets.</summary>
    private sealed class ServedSecrets(Peer peer, WireJson json, BackendName backend) : ISecretProvider
    {
        public async ValueTask<Secret> GetAsync(SecretReference reference, CancellationToken cancellationToken = default)
        {
            var call = new Exchange(peer, "secrets.get", false, json.Write().Add(reference).ToBytes());
            try
            {
                await peer.CallAsync(call, cancellationToken).ConfigureAwait(false);
                return new Secret(await call.Answered.WaitAsync(cancellationToken).ConfigureAwait(false));
            }
            catch (WireErrorException failed)
            {
                throw WireFailure.Read(json, failed.Failure, "asking for a secret", backend, changes: false, cancellationToken);
            }
            catch (PeerLostException lost)
            {
                throw new HypervisorException($"The secret '{reference.Name}' cannot be asked for: who has it is gone. {lost.Message}", ErrorCode.Unavailable, RequestOutcome.Rejected, lost);
            }
            catch (JsonException error)
            {
                throw WireFailure.Unreadable(error, "asking for a secret", backend, changes: false);
            }
        }
    }
}
