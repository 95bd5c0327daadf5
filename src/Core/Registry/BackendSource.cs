namespace Hypervisor.Sdk;

/// <summary>A backend that the service collection names: connected by its delegate when it is first asked for.</summary>
internal sealed record BackendSource(BackendName Name, string Kind, Func<IServiceProvider, CancellationToken, Task<IBackend>> ConnectAsync);
