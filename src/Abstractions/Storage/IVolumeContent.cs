namespace Hypervisor.Sdk;

/// <summary>Moves the content of volumes in and out as streams.</summary>
public interface IVolumeContent
{
    /// <summary>Makes a volume from a stream. When it fails, nothing is left behind.</summary>
    /// <param name="spec">What to make; a size of zero means: as large as the content says.</param>
    /// <param name="content">The bytes, read to their end; not disposed.</param>
    /// <param name="options">What they are and what they must hash to.</param>
    /// <param name="request">The identity of this request.</param>
    /// <param name="cancellationToken">Gives up, and removes what was written.</param>
    /// <exception cref="HypervisorException">The content is not of the stated format or hash (<see cref="ErrorCode.InvalidArgument"/>), or the pool is full (<see cref="ErrorCode.Exhausted"/>).</exception>
    Task<Volume> UploadAsync(VolumeSpec spec, Stream content, VolumeUploadOptions options, RequestOptions? request = null, CancellationToken cancellationToken = default);

    /// <summary>Opens the content of a volume that nobody writes to, in its own format. Dispose the stream to end the download.</summary>
    Task<Stream> DownloadAsync(VolumeId id, IProgress<TransferProgress>? progress = null, CancellationToken cancellationToken = default);
}
