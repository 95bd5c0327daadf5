using System.Diagnostics.CodeAnalysis;
using Hypervisor.Sdk.Remote.Calls;
using Hypervisor.Sdk.Remote.Services;
using Hypervisor.Sdk.Remote.Wire;

namespace Hypervisor.Sdk.Remote;

/// <summary>
/// A backend of another process, which a <see cref="BackendServer"/> serves: the same services, the same capabilities, the same failures. A connection that is lost is made again by itself. What was under way on it has an unknown
/// outcome where it changes something, and is repeated only where nothing of it was sent; <see cref="IRequestLog"/> answers what became of it.
/// </summary>
/// <remarks>
/// Services that are the driver's own, and not of the model, are not given. A call whose values take more than 32 MiB is refused. Lists, consoles, commands and content are streams of which at most 512 KiB wait to be read, so that
/// whoever reads slowly keeps nobody else waiting.
/// </remarks>
public sealed class RemoteBackend : IBackend
{
    private readonly RemoteLink _link;
    private readonly RemoteCalls _calls;
    private readonly Dictionary<Type, object> _services;

    private RemoteBackend(RemoteBackendOptions options)
    {
        Name = BackendName.Parse(options.Name);
        var json = new WireJson(options.Json);
        _link = new RemoteLink(options, json, Name);
        _calls = new RemoteCalls(_link, json, Name, options.TimeProvider);
        _services = RemoteServices.All.ToDictionary(service => service.Type, service => service.Make(_calls));
        _link.Changed += (_, changed) => ConnectionChanged?.Invoke(this, changed);
    }

    /// <inheritdoc />
    public event EventHandler<BackendConnectionChangedEventArgs>? ConnectionChanged;

    /// <inheritdoc />
    public BackendName Name { get; }

    /// <inheritdoc />
    public BackendInfo Info => _link.Last.Info;

    /// <summary>Whether the other process answers, as far as it has been seen. Whether the backend's own server does, says <see cref="CheckHealthAsync"/>.</summary>
    public BackendConnectionState ConnectionState => _link.State;

    /// <summary>Connects, and has the backend opened over there.</summary>
    /// <param name="options">Where it is, and what it is opened with.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="ArgumentException">An option is not acceptable, here or over there.</exception>
    /// <exception cref="HypervisorException">There is no connection, the other end is of another version of the protocol, or the backend could not be opened.</exception>
    public static async Task<RemoteBackend> ConnectAsync(RemoteBackendOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        var backend = new RemoteBackend(options.Validated());
        try
        {
            await backend._link.ConnectAsync(cancellationToken).ConfigureAwait(false);
            return backend;
        }
        catch
        {
            await backend.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <inheritdoc />
    public bool TryGet<TService>([NotNullWhen(true)] out TService? service)
        where TService : class
    {
        service = RemoteServices.WordOf(typeof(TService)) is { } word && _link.Last.Services.Contains(word) ? (TService)_services[typeof(TService)] : null;
        return service is not null;
    }

    /// <inheritdoc />
    public async ValueTask<CapabilityAnswer> QueryAsync(Capability capability, CapabilityTarget target = default, CancellationToken cancellationToken = default) =>
        await _calls.Ask("backend.query").With(capability).With(target).SendAsync<CapabilityAnswer>(cancellationToken).ConfigureAwait(false);

    /// <inheritdoc />
    public async Task<BackendHealth> CheckHealthAsync(CancellationToken cancellationToken = default)
    {
        long begin = _calls.Time.GetTimestamp();
        try
        {
            var health = await _calls.Ask("backend.checkHealth").SendAsync<BackendHealth>(cancellationToken).ConfigureAwait(false);
            return new BackendHealth { IsHealthy = health.IsHealthy, RoundTrip = health.RoundTrip is null ? null : _calls.Time.GetElapsedTime(begin), Problem = health.Problem };
        }
        catch (Exception error) when (error is HypervisorException or ObjectDisposedException)
        {
            return new BackendHealth { IsHealthy = false, Problem = error.Message };
        }
    }

    /// <summary>Ends the connection, and what runs over it. What the other process has begun goes on there.</summary>
    public ValueTask DisposeAsync() => _link.DisposeAsync();
}
