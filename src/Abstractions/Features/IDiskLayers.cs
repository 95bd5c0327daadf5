using System.Diagnostics.CodeAnalysis;

namespace Hypervisor.Sdk;

/// <summary>Works on the images that disks are made of, while an instance runs and while it does not. The guest sees the same before, meanwhile and after.</summary>
/// <remarks>Its form may change with the second driver that has it.</remarks>
[Experimental(ExperimentalIds.DiskStorage)]
public interface IDiskLayers
{
    /// <summary>The images of a disk, the one that is written to first, what lies below it after it.</summary>
    IAsyncEnumerable<DiskLayer> ListAsync(InstanceId id, DeviceId disk, CancellationToken cancellationToken = default);

    /// <summary>Puts an empty image upon a disk, which is written to from then on: what was written before stays below as it is.</summary>
    Task<Operation<Instance>> AddAsync(InstanceId id, DeviceId disk, RequestOptions? request = null, CancellationToken cancellationToken = default);

    /// <summary>Writes what one image has into the one below it, and removes it. Both must be the instance's own.</summary>
    /// <param name="id">The instance.</param>
    /// <param name="disk">The disk.</param>
    /// <param name="layer">The image, by <see cref="DiskLayer.Name"/>: the uppermost or one between.</param>
    /// <param name="request">The identity of this request.</param>
    /// <param name="cancellationToken">Ends the wait for the acceptance.</param>
    Task<Operation<Instance>> CommitAsync(InstanceId id, DeviceId disk, string layer, RequestOptions? request = null, CancellationToken cancellationToken = default);

    /// <summary>Copies what lies below a disk into it, so that it stands alone: a linked clone becomes a full one. Does nothing when it does.</summary>
    Task<Operation<Instance>> FlattenAsync(InstanceId id, DeviceId disk, RequestOptions? request = null, CancellationToken cancellationToken = default);
}
