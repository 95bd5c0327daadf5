namespace Hypervisor.Sdk;

/// <summary><see cref="IOperations"/>, each call through the pipeline.</summary>
internal sealed class OperationsCalls(IOperations inner, CallPipeline calls) : IOperations
{
    public Task<Operation?> ResumeAsync(OperationToken token, CancellationToken cancellationToken = default) =>
        calls.RunAsync(new("operations.resume", null, null, false), (inner, token), static (s, token) => s.inner.ResumeAsync(s.token, token), cancellationToken);
}
