namespace Hypervisor.Sdk;

/// <summary><see cref="ISerialConsole"/>, each call through the pipeline.</summary>
internal sealed class SerialConsoleCalls(ISerialConsole inner, CallPipeline calls) : ISerialConsole
{
    public Task<ConsoleSession> OpenAsync(InstanceId id, ConsoleOptions? options = null, CancellationToken cancellationToken = default) =>
        calls.RunAsync(new("serialConsole.open", id, null, true), (inner, id, options), static (s, token) => s.inner.OpenAsync(s.id, s.options, token), cancellationToken);

    public Task<Stream> OpenLogAsync(InstanceId id, long? tailBytes = null, CancellationToken cancellationToken = default) =>
        calls.RunAsync(new("serialConsole.openLog", id, null, false), (inner, id, tailBytes), static (s, token) => s.inner.OpenLogAsync(s.id, s.tailBytes, token), cancellationToken);
}
