using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;

namespace Hypervisor.Sdk.AspNetCore.Tests;

/// <summary>Machines in memory, with every feature that the API has an endpoint for. What a test wants to go wrong it sets in <see cref="Failure"/>.</summary>
internal sealed partial class FakeBackend(string name) : IBackend
{
    public event EventHandler<BackendConnectionChangedEventArgs>? ConnectionChanged;

    public BackendName Name { get; } = BackendName.Parse(name);

    public BackendInfo Info { get; } = new() { Kind = "fake", ServerVersion = "1.2.3", Endpoint = new Uri("fake://user:password@nowhere/"), Naming = new NamingRules() };

    public BackendConnectionState ConnectionState { get; private set; } = BackendConnectionState.Connected;

    /// <summary>Thrown by every call, until null.</summary>
    public Exception? Failure { get; set; }

    /// <summary>The services that this backend does not have.</summary>
    public HashSet<Type> Missing { get; } = [];

    public ConcurrentQueue<RequestOptions?> Requests { get; } = [];

    public bool TryGet<TService>([NotNullWhen(true)] out TService? service)
        where TService : class
    {
        service = Missing.Contains(typeof(TService)) ? null : this as TService ?? Storage as TService;
        return service is not null;
    }

    public FakeStorage Storage { get; } = new();

    public ValueTask<CapabilityAnswer> QueryAsync(Capability capability, CapabilityTarget target = default, CancellationToken cancellationToken = default) =>
        ValueTask.FromResult(capability == Capability.Snapshots ? CapabilityAnswer.Yes : CapabilityAnswer.No("The fake cannot do it."));

    public Task<BackendHealth> CheckHealthAsync(CancellationToken cancellationToken = default) => Task.FromResult(new BackendHealth { IsHealthy = Failure is null, RoundTrip = TimeSpan.FromMilliseconds(1) });

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    public void Disconnect(string reason)
    {
        ConnectionState = BackendConnectionState.Disconnected;
        ConnectionChanged?.Invoke(this, new() { Backend = Name, From = BackendConnectionState.Connected, To = BackendConnectionState.Disconnected, Reason = new BackendConnectionException(reason, ErrorCode.Unavailable, RequestOutcome.NotSent) });
    }

    private void Check()
    {
        if (Failure is not null)
            throw Failure;
    }
}
