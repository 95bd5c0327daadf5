using System.Runtime.CompilerServices;
using Hypervisor.Sdk.Simulation.Calls;
using Hypervisor.Sdk.Simulation.Snapshots;
using Hypervisor.Sdk.Simulation.Worlds;

namespace Hypervisor.Sdk.Simulation.Backup;

/// <summary>Frozen views of simulated disks: bytes that follow from what the guest has written, and extents of what has changed.</summary>
internal sealed class BackupService(SimulationClient client) : IBackupSource
{
    private readonly World _world = client.World;

    public Task<BackupSession> BeginAsync(InstanceId id, BackupOptions? options = null, CancellationToken cancellationToken = default)
    {
        string? sinceCheckpoint = options?.SinceCheckpoint;
        bool quiesce = options?.Quiesce ?? false;
        cancellationToken.ThrowIfCancellationRequested();
        return _world.Calls.EnterAsync(client, "begin-backup", id.ToString(), () => CallText.Of(_world, null, $"{(sinceCheckpoint is null ? "full" : "since " + CallText.Word(sinceCheckpoint))}{(quiesce ? " quiesce" : " -")}"), () =>
        {
            var instance = _world.Require(id);
            if (quiesce)
                SnapshotService.RefuseSilent(_world, instance);
            var disks = _world.GuestOf(instance).Get<GuestDisks>();
            var since = sinceCheckpoint is null ? null : disks.Find(sinceCheckpoint)
                ?? throw _world.Error(ErrorCode.NotFound, RequestOutcome.Rejected, $"'{instance.Name}' has no checkpoint '{sinceCheckpoint}': take a full backup.", instance.Text, about: sinceCheckpoint);
            var views = instance.Config.Disks.Where(static disk => disk.Volume is not null && !disk.ReadOnly)
                .ToDictionary(static disk => disk.Id, disk => (History: disks.HistoryOf(disk), disks.Writes, Since: since is not null && since.TryGetValue(disk.Id, out long writes) ? writes : (long?)null));
            var session = new Session(this, disks, instance.Text, views);
            session.Number = _world.Sessions.Add(session);
            return Task.FromResult<BackupSession>(session);
        });
    }

    private sealed class Session(BackupService service, GuestDisks disks, string instance, Dictionary<DeviceId, (DiskHistory History, long Writes, long? Since)> views) : BackupSession, ITracedSession
    {
        private bool _isDisposed;

        public long Number { get; set; }

        public Task AgainAsync(string action, string text) => action == "complete" ? CompleteAsync() : throw new FormatException($"nothing is done to a backup by '{action}'");

        public override IReadOnlyList<DeviceId> Disks { get; } = [.. views.Keys];

        public override async IAsyncEnumerable<Extent> GetExtentsAsync(DeviceId disk, [EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            var (history, writes, since) = Require(disk);
            await Task.CompletedTask.ConfigureAwait(false);
            long end = 0;
            foreach (var extent in Merge(history, since, writes))
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (since is null && extent.Offset > end)
                    yield return new Extent(end, extent.Offset - end, IsZero: true);
                end = extent.Offset + extent.Length;
                yield return extent;
            }

            if (since is null && end < history.SizeBytes)
                yield return new Extent(end, history.SizeBytes - end, IsZero: true);
        }

        public override ValueTask ReadAsync(DeviceId disk, long offset, Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var (history, writes, _) = Require(disk);
            if (offset < 0 || offset + buffer.Length > history.SizeBytes)
                throw new ArgumentOutOfRangeException(nameof(offset), offset, $"The disk has {history.SizeBytes} bytes.");
            history.Read(offset, buffer.Span, writes);
            return ValueTask.CompletedTask;
        }

        public override Task<string?> CompleteAsync(CancellationToken cancellationToken = default)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            cancellationToken.ThrowIfCancellationRequested();
            return service._world.Loop.EnterAsync(() =>
            {
                service._world.Sessions.Note(Number, instance, "complete");
                string checkpoint = disks.Keep(views.ToDictionary(static view => view.Key, static view => view.Value.Writes));
                service._world.Note("backup", instance, checkpoint);
                return Task.FromResult<string?>(checkpoint);
            });
        }

        public override ValueTask DisposeAsync()
        {
            _isDisposed = true;
            return ValueTask.CompletedTask;
        }

        private static IEnumerable<Extent> Merge(DiskHistory history, long? since, long writes)
        {
            long begin = -1, end = -1;
            foreach (long block in history.Changed(since, writes))
            {
                if (block != end && begin >= 0)
                    yield return Of(begin, end);
                if (block != end)
                    begin = block;
                end = block + 1;
            }

            if (begin >= 0)
                yield return Of(begin, end);

            Extent Of(long from, long to) => new(from * DiskHistory.BlockBytes, Math.Min(to * DiskHistory.BlockBytes, history.SizeBytes) - (from * DiskHistory.BlockBytes), IsZero: false);
        }

        private (DiskHistory History, long Writes, long? Since) Require(DeviceId disk)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            return views.TryGetValue(disk, out var view) ? view : throw new ArgumentException($"The backup has no disk '{disk}'.", nameof(disk));
        }
    }
}
