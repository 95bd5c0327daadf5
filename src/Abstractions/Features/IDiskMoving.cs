using System.Diagnostics.CodeAnalysis;

namespace Hypervisor.Sdk;

/// <summary>Moves disks to other storage, while an instance runs and while it does not. Pools are the business of whoever orchestrates: a driver is handed the place.</summary>
/// <remarks>Its form may change with the second driver that has it.</remarks>
[Experimental(ExperimentalIds.DiskStorage)]
public interface IDiskMoving
{
    /// <summary>
    /// Moves a disk. What lies below it is copied with it. Until the very end it is where it was, and stays there when anything fails or the operation is cancelled; afterwards what it was on is deleted where it was
    /// the instance's own, and kept otherwise.
    /// </summary>
    /// <param name="id">The instance.</param>
    /// <param name="disk">The disk.</param>
    /// <param name="target">
    /// A volume of exactly the disk's size (what is encrypted: as it is when it is opened) whose content is of no worth any more: a file, a device, or one at a server; null for the place where the backend keeps the instance's own disks.
    /// </param>
    /// <param name="options">How. Default: as fast as it goes.</param>
    /// <param name="request">The identity of this request.</param>
    /// <param name="cancellationToken">Ends the wait for the acceptance.</param>
    Task<Operation<Instance>> MoveAsync(InstanceId id, DeviceId disk, VolumeAttachment? target, DiskMoveOptions? options = null, RequestOptions? request = null, CancellationToken cancellationToken = default);
}
