using Hypervisor.Sdk.Remote.Calls;
using Hypervisor.Sdk.Remote.Serving;
using Hypervisor.Sdk.Remote.Sessions;
using Hypervisor.Sdk.Remote.Wire;

namespace Hypervisor.Sdk.Remote.Services;

/// <summary><see cref="IBackupSource"/> over there. A session is an open call, and what it is asked names it.</summary>
internal sealed class RemoteBackupSource(RemoteCalls calls) : IBackupSource
{
    public async Task<BackupSession> BeginAsync(InstanceId id, BackupOptions? options = null, CancellationToken cancellationToken = default) =>
        new RemoteBackupSession(await calls.Change("backup.begin").With(id).With(options).OpenAsync(cancellationToken).ConfigureAwait(false));

    public static void Serve(ServiceRoutes<IBackupSource> routes) => routes
        .Add("begin", static async (backups, call) =>
        {
            var session = await backups.BeginAsync(call.Next<InstanceId>(), call.Find<BackupOptions>(), call.Token).ConfigureAwait(false);
            await using (session.ConfigureAwait(false))
            {
                await call.OpenedAsync(call.Write().AddMany(session.Disks), session).ConfigureAwait(false);
                await Task.Delay(Timeout.InfiniteTimeSpan, call.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }

            return default;
        })
        .List("extents", static (_, call) => call.NextSubject<BackupSession>().GetExtentsAsync(call.Next<DeviceId>(), call.Token))
        .Add("read", static async (_, call) =>
        {
            var session = call.NextSubject<BackupSession>();
            var disk = call.Next<DeviceId>();
            long offset = call.Next<long>();
            int bytes = call.Next<int>();
            ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)bytes, (uint)WireProtocol.BlockBytes, nameof(bytes));
            byte[] buffer = new byte[bytes];
            await session.ReadAsync(disk, offset, buffer, call.Token).ConfigureAwait(false);
            return buffer;
        })
        .Answer("complete", static (_, call) => call.NextSubject<BackupSession>().CompleteAsync(call.Token));
}
