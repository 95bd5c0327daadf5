namespace Hypervisor.Sdk.Lxd;

/// <summary>The images of a server: in and out as streams whose fingerprints are compared, copied from other servers, made of containers, and named by aliases. Got from an <see cref="LxdBackend"/>.</summary>
/// <remarks>An image is named by its fingerprint, 64 hexadecimal digits, or by an alias, as in <see cref="ContainerSpec.Image"/>.</remarks>
public interface ILxdImages
{
    /// <summary>All images, those that the server keeps as copies of another's among them (<see cref="LxdImage.Cached"/>).</summary>
    Task<IReadOnlyList<LxdImage>> ListAsync(CancellationToken cancellationToken = default);

    /// <summary>One image, by its fingerprint or an alias; null when there is none.</summary>
    Task<LxdImage?> FindAsync(string image, CancellationToken cancellationToken = default);

    /// <summary>Takes an image in: an archive of its files and what is said of them (<c>rootfs</c> and <c>metadata.yaml</c>), compressed or not.</summary>
    /// <param name="archive">The archive, read to its end; stays the caller's.</param>
    /// <param name="spec">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Gives up while the archive is sent. What the server has whole, it takes in to the end.</param>
    /// <exception cref="HypervisorException">
    /// It is there already (<see cref="ErrorCode.AlreadyExists"/>), it is not what <see cref="LxdImageSpec.Fingerprint"/> says or no image (<see cref="ErrorCode.InvalidArgument"/>), or the server has kept something else than was sent
    /// (<see cref="ErrorCode.Corrupted"/>).
    /// </exception>
    Task<LxdImage> ImportAsync(Stream archive, LxdImageSpec? spec = null, CancellationToken cancellationToken = default);

    /// <summary>Reads an image out, as one archive. At its end the stream compares what it gave with the fingerprint: a read fails with <see cref="InvalidDataException"/> where it is something else.</summary>
    /// <param name="image">The fingerprint or an alias.</param>
    /// <param name="cancellationToken">Ends the wait for its beginning.</param>
    /// <returns>The archive, to be disposed by the caller. A slow reader stops the server.</returns>
    /// <exception cref="HypervisorException">There is no such image (<see cref="ErrorCode.NotFound"/>), or the server keeps it as two files, which are no archive (<see cref="ErrorCode.Unsupported"/>).</exception>
    Task<Stream> ExportAsync(string image, CancellationToken cancellationToken = default);

    /// <summary>Copies an image from a server of images by the simplestreams protocol; the server itself loads it, and compares it with the fingerprint that is said there. An image that this server has already stays as it is, and gets the aliases of <paramref name="spec"/>.</summary>
    /// <param name="server">The server's address, http or https, the directory <c>streams</c> below it.</param>
    /// <param name="image">Its alias or fingerprint there.</param>
    /// <param name="spec">What goes with it; null for nothing.</param>
    /// <param name="certificate">The certificate that the server shows, in PEM, where no authority that this server knows has signed it. Default: none.</param>
    /// <param name="cancellationToken">Ends the wait. The copy goes on at the server.</param>
    /// <exception cref="HypervisorException">It could not be loaded, or it is not there.</exception>
    Task<LxdImage> CopyAsync(Uri server, string image, LxdImageSpec? spec = null, string? certificate = null, CancellationToken cancellationToken = default);

    /// <summary>Makes an image of a container that is stopped, or of a snapshot of any container.</summary>
    /// <param name="id">The container.</param>
    /// <param name="snapshot">The snapshot; null for the container as it is.</param>
    /// <param name="spec">What goes with it; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait. The server goes on.</param>
    /// <exception cref="HypervisorException">There is none of that name (<see cref="ErrorCode.NotFound"/>), or it is not stopped and no snapshot was named (<see cref="ErrorCode.InvalidState"/>).</exception>
    Task<LxdImage> PublishAsync(InstanceId id, SnapshotName? snapshot = null, LxdImageSpec? spec = null, CancellationToken cancellationToken = default);

    /// <summary>Has an alias name an image, be it new or another's before.</summary>
    /// <param name="alias">The alias: letters, digits and <c>- _ . / :</c>, as <c>debian/12</c>.</param>
    /// <param name="image">The fingerprint or another alias of the image.</param>
    /// <param name="description">What it is, in words. Default: nothing, or what was said of the alias before.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    /// <exception cref="HypervisorException">There is no such image (<see cref="ErrorCode.NotFound"/>), or the alias cannot be one (<see cref="ErrorCode.InvalidArgument"/>).</exception>
    Task SetAliasAsync(string alias, string image, string? description = null, CancellationToken cancellationToken = default);

    /// <summary>Takes an alias away; the image stays.</summary>
    /// <exception cref="HypervisorException">There is none of that name (<see cref="ErrorCode.NotFound"/>).</exception>
    Task RemoveAliasAsync(string alias, CancellationToken cancellationToken = default);

    /// <summary>Deletes an image with its aliases. Containers that were made of it stay as they are.</summary>
    /// <exception cref="HypervisorException">There is no such image (<see cref="ErrorCode.NotFound"/>).</exception>
    Task DeleteAsync(string image, CancellationToken cancellationToken = default);
}
