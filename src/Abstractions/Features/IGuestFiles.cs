namespace Hypervisor.Sdk;

/// <summary>Files in the guest.</summary>
public interface IGuestFiles
{
    /// <summary>Opens a file for reading, from its beginning.</summary>
    /// <exception cref="HypervisorException">There is none (<see cref="ErrorCode.NotFound"/>), or it is no file (<see cref="ErrorCode.InvalidArgument"/>).</exception>
    Task<Stream> OpenReadAsync(InstanceId id, string path, CancellationToken cancellationToken = default);

    /// <summary>Writes a file, in place of the one that is there.</summary>
    Task WriteAsync(InstanceId id, string path, Stream content, GuestFileAttributes? attributes = null, CancellationToken cancellationToken = default);

    /// <summary>The entries of a directory.</summary>
    IAsyncEnumerable<GuestFile> ListAsync(InstanceId id, string path, CancellationToken cancellationToken = default);

    /// <summary>Deletes a file or an empty directory.</summary>
    Task DeleteAsync(InstanceId id, string path, CancellationToken cancellationToken = default);
}
