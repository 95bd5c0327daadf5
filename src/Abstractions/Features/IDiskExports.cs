using System.Diagnostics.CodeAnalysis;

namespace Hypervisor.Sdk;

/// <summary>Lets other programs read a disk of an instance that runs, as it was at one moment, by the NBD protocol.</summary>
/// <remarks>Its form may change with the second driver that has it.</remarks>
[Experimental(ExperimentalIds.DiskStorage)]
public interface IDiskExports
{
    /// <summary>Freezes a view of a disk and serves it, for reading, until the export is disposed.</summary>
    /// <param name="id">The instance.</param>
    /// <param name="disk">The disk.</param>
    /// <param name="options">Where, and how quiet the guest is at that moment. Default: on a unix socket of the node, as it is.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="HypervisorException">
    /// There is no such disk (<see cref="ErrorCode.NotFound"/>), the instance does not run (<see cref="ErrorCode.InvalidState"/>), something else reads its disks and the backend has one at a time
    /// (<see cref="ErrorCode.Locked"/>), or the address would be served without encryption (<see cref="ErrorCode.Unsupported"/>).
    /// </exception>
    Task<DiskExport> ExportAsync(InstanceId id, DeviceId disk, DiskExportOptions? options = null, CancellationToken cancellationToken = default);
}
