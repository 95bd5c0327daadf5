using Hypervisor.Sdk.Remote.Calls;
using Hypervisor.Sdk.Remote.Serving;
using Hypervisor.Sdk.Remote.Sessions;

namespace Hypervisor.Sdk.Remote.Services;

/// <summary><see cref="IDiskExports"/> over there. An export is an open call, which ends it; what is read does not go this way.</summary>
internal sealed class RemoteDiskExports(RemoteCalls calls) : IDiskExports
{
    public async Task<DiskExport> ExportAsync(InstanceId id, DeviceId disk, DiskExportOptions? options = null, CancellationToken cancellationToken = default) =>
        new RemoteDiskExport(await calls.Change("diskExports.export").With(id).With(disk).With(options).OpenAsync(cancellationToken).ConfigureAwait(false));

    public static void Serve(ServiceRoutes<IDiskExports> routes) => routes
        .Add("export", static async (exports, call) =>
        {
            var export = await exports.ExportAsync(call.Next<InstanceId>(), call.Next<DeviceId>(), call.Find<DiskExportOptions>(), call.Token).ConfigureAwait(false);
            await using (export.ConfigureAwait(false))
            {
                await call.OpenedAsync(call.Write().Add(export.Address.OriginalString)).ConfigureAwait(false);
                await Task.Delay(Timeout.InfiniteTimeSpan, call.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }

            return default;
        });
}
