namespace Hypervisor.Sdk;

/// <summary><see cref="INativeDocuments"/>, each call through the pipeline.</summary>
internal sealed class NativeDocumentsCalls(INativeDocuments inner, CallPipeline calls) : INativeDocuments
{
    public Task<NativeDocument> GetAsync(InstanceId id, CancellationToken cancellationToken = default) =>
        calls.RunAsync(new("nativeDocuments.get", id, null, false), (inner, id), static (s, token) => s.inner.GetAsync(s.id, token), cancellationToken);
}
