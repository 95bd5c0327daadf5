namespace Hypervisor.Sdk;

/// <summary><see cref="IGraphicsConsole"/>, each call through the pipeline.</summary>
internal sealed class GraphicsConsoleCalls(IGraphicsConsole inner, CallPipeline calls) : IGraphicsConsole
{
    public Task<GraphicsSession> OpenAsync(InstanceId id, CancellationToken cancellationToken = default) =>
        calls.RunAsync(new("graphicsConsole.open", id, null, false), (inner, id), static (s, token) => s.inner.OpenAsync(s.id, token), cancellationToken);

    public Task<NativeDocument> CaptureAsync(InstanceId id, CancellationToken cancellationToken = default) =>
        calls.RunAsync(new("graphicsConsole.capture", id, null, false), (inner, id), static (s, token) => s.inner.CaptureAsync(s.id, token), cancellationToken);
}
