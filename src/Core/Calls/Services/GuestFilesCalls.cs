namespace Hypervisor.Sdk;

/// <summary><see cref="IGuestFiles"/>, each call through the pipeline.</summary>
internal sealed class GuestFilesCalls(IGuestFiles inner, CallPipeline calls) : IGuestFiles
{
    public Task<Stream> OpenReadAsync(InstanceId id, string path, CancellationToken cancellationToken = default) =>
        calls.RunAsync(new("guestFiles.openRead", id, null, false), (inner, id, path), static (s, token) => s.inner.OpenReadAsync(s.id, s.path, token), cancellationToken);

    public Task WriteAsync(InstanceId id, string path, Stream content, GuestFileAttributes? attributes = null, CancellationToken cancellationToken = default) =>
        calls.RunAsync(new("guestFiles.write", id, null, true, IsLong: true), (inner, id, path, content, attributes), static (s, token) => s.inner.WriteAsync(s.id, s.path, s.content, s.attributes, token), cancellationToken);

    public IAsyncEnumerable<GuestFile> ListAsync(InstanceId id, string path, CancellationToken cancellationToken = default) =>
        calls.StreamAsync(new("guestFiles.list", id, null, false), (inner, id, path), static (s, token) => s.inner.ListAsync(s.id, s.path, token), cancellationToken);

    public Task DeleteAsync(InstanceId id, string path, CancellationToken cancellationToken = default) =>
        calls.RunAsync(new("guestFiles.delete", id, null, true), (inner, id, path), static (s, token) => s.inner.DeleteAsync(s.id, s.path, token), cancellationToken);
}
