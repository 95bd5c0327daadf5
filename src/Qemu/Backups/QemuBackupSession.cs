using System.Diagnostics.CodeAnalysis;
using System.Runtime.Versioning;
using Hypervisor.Sdk.DiskImages;
using Hypervisor.Sdk.Qemu.Machines;
using Hypervisor.Sdk.Qemu.State;

namespace Hypervisor.Sdk.Qemu.Backups;

/// <summary>A view of the disks of one moment, read from QEMU's NBD server by a connection for each disk.</summary>
[SupportedOSPlatform("linux")]
internal sealed class QemuBackupSession : BackupSession
{
    private readonly QemuBackups _backups;
    private readonly InstanceId _id;
    private readonly Dictionary<DeviceId, NbdExport> _disks;
    private readonly bool _keepsCheckpoint;
    private readonly MachineLock _held;

    [SuppressMessage("Usage", "CA2213", Justification = "Whoever waits for his turn would never be woken; it holds nothing.")]
    private readonly SemaphoreSlim _completing = new(1, 1);

    private string? _checkpoint;
    private bool _isCompleted;
    private int _isDisposed;

    public QemuBackupSession(QemuBackups backups, QemuServices services, InstanceId id, IReadOnlyList<string> disks, IReadOnlySet<string> changed, bool keepsCheckpoint, MachineLock held)
    {
        _backups = backups;
        _id = id;
        _keepsCheckpoint = keepsCheckpoint;
        _held = held;
        Disks = [.. disks.Select(disk => DeviceId.Parse(disk))];
        string socket = services.Runtime.SocketOf(id.ToString(), BackupNodes.Socket);
        _disks = Disks.ToDictionary(static disk => disk, disk => new NbdExport(new NbdExportOptions
        {
            SocketPath = socket, Name = disk.ToString(), DirtyBitmap = changed.Contains(disk.ToString()) ? BackupNodes.Written : null,
            ConnectTimeout = services.Options.StartTimeout, ReplyTimeout = services.Options.DefaultDeadline, TimeProvider = services.Time,
        }));
    }

    public override IReadOnlyList<DeviceId> Disks { get; }

    public override IAsyncEnumerable<Extent> GetExtentsAsync(DeviceId disk, CancellationToken cancellationToken = default) => Require(disk).GetExtentsAsync(cancellationToken);

    public override ValueTask ReadAsync(DeviceId disk, long offset, Memory<byte> buffer, CancellationToken cancellationToken = default) => Require(disk).ReadAsync(offset, buffer, cancellationToken);

    public override async Task<string?> CompleteAsync(CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_isDisposed != 0, this);
        await _completing.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (!_isCompleted)
                _checkpoint = await _backups.CompleteAsync(_id, [.. Disks.Select(static disk => disk.ToString())], _keepsCheckpoint, cancellationToken).ConfigureAwait(false);
            _isCompleted = true;
            return _checkpoint;
        }
        finally
        {
            _completing.Release();
        }
    }

    public override async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0)
            return;
        foreach (var disk in _disks.Values)
            await disk.DisposeAsync().ConfigureAwait(false);
        await _backups.EndAsync(_id, _held).ConfigureAwait(false);
    }

    private NbdExport Require(DeviceId disk)
    {
        ObjectDisposedException.ThrowIf(_isDisposed != 0, this);
        return _disks.TryGetValue(disk, out var source) ? source : throw new ArgumentException($"The backup has no disk '{disk}'.", nameof(disk));
    }
}
