namespace Hypervisor.Sdk;

/// <summary><see cref="IRequestLog"/>, each call through the pipeline.</summary>
internal sealed class RequestLogCalls(IRequestLog inner, CallPipeline calls) : IRequestLog
{
    public Task<RequestLookup> LookUpAsync(RequestId id, CancellationToken cancellationToken = default) =>
        calls.RunAsync(new("requestLog.lookUp", null, null, false), (inner, id), static (s, token) => s.inner.LookUpAsync(s.id, token), cancellationToken);
}
