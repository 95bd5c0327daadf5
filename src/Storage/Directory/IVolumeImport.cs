namespace Hypervisor.Sdk.Storage.Directory;

/// <summary>Makes volumes of image files that are on this machine already.</summary>
public interface IVolumeImport
{
    /// <summary>Makes a volume of a file.</summary>
    /// <param name="spec">What to make. A size of zero means: as large as the file says; a larger one lets it grow.</param>
    /// <param name="source">The file, and its format.</param>
    /// <param name="request">The identity of this request.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    /// <exception cref="HypervisorException">
    /// There is no such file (<see cref="ErrorCode.NotFound"/>), it is not of the stated format (<see cref="ErrorCode.InvalidArgument"/>), it names a backing or data file that it may not have
    /// (<see cref="ErrorCode.Denied"/>), the name is taken (<see cref="ErrorCode.AlreadyExists"/>), or the pool is full (<see cref="ErrorCode.Exhausted"/>).
    /// </exception>
    Task<Operation<Volume>> ImportAsync(VolumeSpec spec, VolumeImport source, RequestOptions? request = null, CancellationToken cancellationToken = default);
}
