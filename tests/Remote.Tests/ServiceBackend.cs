using System.Diagnostics.CodeAnalysis;

namespace Hypervisor.Sdk.Remote.Tests;

/// <summary>A backend of the services that a test gives it.</summary>
internal sealed class ServiceBackend(params object[] services) : IBackend
{
    private readonly TaskCompletionSource _disposed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public event EventHandler<BackendConnectionChangedEventArgs>? ConnectionChanged
    {
        add { }
        remove { }
    }

    public BackendName Name { get; init; } = BackendName.Parse("served");

    public BackendInfo Info { get; } = new() { Kind = "test", ServerVersion = "1.2-test", ParsedVersion = new Version(1, 2), Endpoint = new Uri("test://here/"), Naming = new NamingRules { MaxLength = 17, CaseSensitive = true } };

    public BackendConnectionState ConnectionState => BackendConnectionState.Connected;

    /// <summary>Completes when it was disposed.</summary>
    public Task Disposed => _disposed.Task;

    public bool TryGet<TService>([NotNullWhen(true)] out TService? service)
        where TService : class
    {
        service = services.OfType<TService>().FirstOrDefault();
        return service is not null;
    }

    public ValueTask<CapabilityAnswer> QueryAsync(Capability capability, CapabilityTarget target = default, CancellationToken cancellationToken = default) =>
        new(target.Instance is { } id ? CapabilityAnswer.Conditional($"{capability} of {id}") : CapabilityAnswer.No($"{capability} of nothing"));

    public Task<BackendHealth> CheckHealthAsync(CancellationToken cancellationToken = default) => Task.FromResult(new BackendHealth { IsHealthy = true, RoundTrip = TimeSpan.Zero });

    public ValueTask DisposeAsync()
    {
        _disposed.TrySetResult();
        return ValueTask.CompletedTask;
    }
}
