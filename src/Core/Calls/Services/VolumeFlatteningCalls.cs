namespace Hypervisor.Sdk;

/// <summary><see cref="IVolumeFlattening"/>, each call through the pipeline.</summary>
internal sealed class VolumeFlatteningCalls(IVolumeFlattening inner, CallPipeline calls) : IVolumeFlattening
{
    public Task<Operation<Volume>> FlattenAsync(VolumeId id, RequestOptions? request = null, CancellationToken cancellationToken = default) =>
        calls.BeginAsync(new("volumeFlattening.flatten", null, request, true), (inner, id, request), static (s, token) => s.inner.FlattenAsync(s.id, s.request, token), cancellationToken);
}
