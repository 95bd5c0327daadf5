#pragma warning disable HVSDK004 // Experimental: decorated all the same.

namespace Hypervisor.Sdk;

/// <summary><see cref="IDiskExports"/>, each call through the pipeline.</summary>
internal sealed class DiskExportsCalls(IDiskExports inner, CallPipeline calls) : IDiskExports
{
    public Task<DiskExport> ExportAsync(InstanceId id, DeviceId disk, DiskExportOptions? options = null, CancellationToken cancellationToken = default) =>
        calls.RunAsync(new("diskExports.export", id, null, true), (inner, id, disk, options), static (s, token) => s.inner.ExportAsync(s.id, s.disk, s.options, token), cancellationToken);
}
