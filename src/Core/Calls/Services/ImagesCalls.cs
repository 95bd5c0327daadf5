namespace Hypervisor.Sdk;

/// <summary><see cref="IImages"/>, each call through the pipeline.</summary>
internal sealed class ImagesCalls(IImages inner, CallPipeline calls) : IImages
{
    public IAsyncEnumerable<Image> ListAsync(CancellationToken cancellationToken = default) =>
        calls.StreamAsync(new("images.list", null, null, false), inner, static (s, token) => s.ListAsync(token), cancellationToken);
}
