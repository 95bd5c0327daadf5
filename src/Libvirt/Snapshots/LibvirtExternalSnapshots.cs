namespace Hypervisor.Sdk.Libvirt.Snapshots;

/// <summary>Snapshots beside the images, for what has images.</summary>
internal sealed class LibvirtExternalSnapshots(LibvirtSnapshots snapshots) : ILibvirtSnapshots
{
    public Task<Operation<Snapshot>> CreateExternalAsync(InstanceId id, SnapshotSpec spec, RequestOptions? request = null, CancellationToken cancellationToken = default) =>
        snapshots.CreateAsync(id, spec, isExternal: true, request, cancellationToken);
}
