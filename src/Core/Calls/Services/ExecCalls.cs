namespace Hypervisor.Sdk;

/// <summary><see cref="IExec"/>, each call through the pipeline.</summary>
internal sealed class ExecCalls(IExec inner, CallPipeline calls) : IExec
{
    public Task<ExecSession> StartAsync(InstanceId id, CommandSpec spec, CancellationToken cancellationToken = default) =>
        calls.RunAsync(new("exec.start", id, null, true), (inner, id, spec), static (s, token) => s.inner.StartAsync(s.id, s.spec, token), cancellationToken);
}
