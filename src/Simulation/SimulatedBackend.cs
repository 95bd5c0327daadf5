using System.Diagnostics.CodeAnalysis;
using Hypervisor.Sdk.Simulation.Calls;
using Hypervisor.Sdk.Simulation.Driver;
using Hypervisor.Sdk.Simulation.Worlds;

namespace Hypervisor.Sdk.Simulation;

/// <summary>One connection to a simulated data centre. Several may be open at a time; what one of them does, the others see.</summary>
internal sealed class SimulatedBackend : IBackend
{
    public const string Kind = "simulation";

    private readonly SimulationClient _client;
    private readonly IReadOnlyList<object> _services;
    private int _state = (int)BackendConnectionState.Connected;

    public SimulatedBackend(World world)
    {
        _client = new SimulationClient(world);
        _client.ConnectionChanged = (isConnected, reason) => SetState(isConnected ? BackendConnectionState.Connected : BackendConnectionState.Disconnected, reason);
        _client.Open();
        _services = SimulationServices.Of(_client);
        Info = new BackendInfo
        {
            Kind = Kind,
            ServerVersion = $"{world.Personality.Name} {world.Personality.ServerVersion}",
            ParsedVersion = Version.TryParse(world.Personality.ServerVersion, out var version) ? version : null,
            Endpoint = new Uri($"simulation://{world.Name}/"),
            Naming = world.Personality.Naming,
        };
    }

    public event EventHandler<BackendConnectionChangedEventArgs>? ConnectionChanged;

    public BackendName Name => _client.World.Name;

    public World World => _client.World;

    public BackendInfo Info { get; }

    public BackendConnectionState ConnectionState => (BackendConnectionState)Volatile.Read(ref _state);

    public bool TryGet<TService>([NotNullWhen(true)] out TService? service)
        where TService : class
    {
        bool isLeftOut = _client.World.Personality.Without.Contains(typeof(TService));
        foreach (object part in _services)
        {
            if (!isLeftOut && part is TService found)
            {
                service = found;
                return true;
            }
        }

        service = null;
        return false;
    }

    public ValueTask<CapabilityAnswer> QueryAsync(Capability capability, CapabilityTarget target = default, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return new(_client.World.Loop.EnterAsync(() => Task.FromResult(SimulationCapabilities.Answer(_client.World, capability, target))));
    }

    public Task<BackendHealth> CheckHealthAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return CheckAsync();
    }

    public ValueTask DisposeAsync()
    {
        var before = (BackendConnectionState)Interlocked.Exchange(ref _state, (int)BackendConnectionState.Closed);
        if (before != BackendConnectionState.Closed)
        {
            _client.Close();
            ConnectionChanged?.Invoke(this, new BackendConnectionChangedEventArgs { Backend = Name, From = before, To = BackendConnectionState.Closed });
        }

        return ValueTask.CompletedTask;
    }

    private void SetState(BackendConnectionState to, HypervisorException? reason)
    {
        var from = ConnectionState;
        if (from == BackendConnectionState.Closed || Interlocked.CompareExchange(ref _state, (int)to, (int)from) != (int)from)
            return;
        ConnectionChanged?.Invoke(this, new BackendConnectionChangedEventArgs { Backend = Name, From = from, To = to, Reason = reason });
    }

    private async Task<BackendHealth> CheckAsync()
    {
        long begin = _client.World.Loop.NowTicks;
        try
        {
            await _client.World.Calls.EnterAsync(_client, "health", "", null, static () => Task.FromResult(true)).ConfigureAwait(false);
            return new BackendHealth { IsHealthy = true, RoundTrip = new TimeSpan(_client.World.Loop.NowTicks - begin) };
        }
        catch (HypervisorException error)
        {
            return new BackendHealth { IsHealthy = false, Problem = error.Message };
        }
    }
}
