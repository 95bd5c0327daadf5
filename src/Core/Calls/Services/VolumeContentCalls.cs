namespace Hypervisor.Sdk;

/// <summary><see cref="IVolumeContent"/>, each call through the pipeline.</summary>
internal sealed class VolumeContentCalls(IVolumeContent inner, CallPipeline calls) : IVolumeContent
{
    public Task<Volume> UploadAsync(VolumeSpec spec, Stream content, VolumeUploadOptions options, RequestOptions? request = null, CancellationToken cancellationToken = default) =>
        calls.RunAsync(new("volumeContent.upload", null, request, true, IsLong: true), (inner, spec, content, options, request), static (s, token) => s.inner.UploadAsync(s.spec, s.content, s.options, s.request, token), cancellationToken);

    public Task<Stream> DownloadAsync(VolumeId id, IProgress<TransferProgress>? progress = null, CancellationToken cancellationToken = default) =>
        calls.RunAsync(new("volumeContent.download", null, null, false), (inner, id, progress), static (s, token) => s.inner.DownloadAsync(s.id, s.progress, token), cancellationToken);
}
