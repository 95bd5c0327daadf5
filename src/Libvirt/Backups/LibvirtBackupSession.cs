using System.Diagnostics.CodeAnalysis;
using Hypervisor.Sdk.DiskImages;
using Hypervisor.Sdk.Libvirt.Protocol;

namespace Hypervisor.Sdk.Libvirt.Backups;

/// <summary>A view of the disks of one moment, read from the emulator's NBD server by a connection for each disk.</summary>
internal sealed class LibvirtBackupSession : BackupSession
{
    private readonly LibvirtBackups _backups;
    private readonly VirDomain _domain;
    private readonly BackupMark _mark;
    private readonly Dictionary<DeviceId, NbdExport> _disks;
    private readonly bool _hasCheckpoint;

    [SuppressMessage("Usage", "CA2213", Justification = "Whoever waits for his turn would never be woken; it holds nothing.")]
    private readonly SemaphoreSlim _ending = new(1, 1);

    private bool _isCompleted;
    private bool _isEnded;
    private int _isDisposed;

    /// <param name="backups">Where it belongs.</param>
    /// <param name="domain">The domain.</param>
    /// <param name="mark">Its file, which is the session's from now on.</param>
    /// <param name="exports">The disks.</param>
    /// <param name="hasCheckpoint">Whether its moment was kept as a checkpoint of the mark's name.</param>
    public LibvirtBackupSession(LibvirtBackups backups, VirDomain domain, BackupMark mark, IEnumerable<NbdExportOptions> exports, bool hasCheckpoint)
    {
        (_backups, _domain, _mark, _hasCheckpoint) = (backups, domain, mark, hasCheckpoint);
        _disks = exports.ToDictionary(export => DeviceId.Parse(export.Name), export => new NbdExport(export));
        Disks = [.. _disks.Keys];
    }

    public override IReadOnlyList<DeviceId> Disks { get; }

    public VirDomain Domain => _domain;

    public override IAsyncEnumerable<Extent> GetExtentsAsync(DeviceId disk, CancellationToken cancellationToken = default) => Require(disk).GetExtentsAsync(cancellationToken);

    public override ValueTask ReadAsync(DeviceId disk, long offset, Memory<byte> buffer, CancellationToken cancellationToken = default) => Require(disk).ReadAsync(offset, buffer, cancellationToken);

    public override async Task<string?> CompleteAsync(CancellationToken cancellationToken = default)
    {
        ThrowIfDisposed();
        await _ending.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            ThrowIfDisposed();
            if (!_isCompleted)
            {
                await _backups.RequireAsync(_domain, _mark, cancellationToken).ConfigureAwait(false);
                _mark.Complete();
            }

            _isCompleted = true;
            return _hasCheckpoint ? _mark.Name : null;
        }
        finally
        {
            _ending.Release();
        }
    }

    public override async ValueTask DisposeAsync()
    {
        Volatile.Write(ref _isDisposed, 1);
        await _ending.WaitAsync().ConfigureAwait(false);
        try
        {
            if (_isEnded)
                return;
            _isEnded = true;
            foreach (var disk in _disks.Values)
                await disk.DisposeAsync().ConfigureAwait(false);
            await _backups.EndAsync(this, _mark).ConfigureAwait(false);
        }
        finally
        {
            _ending.Release();
        }
    }

    private NbdExport Require(DeviceId disk)
    {
        ThrowIfDisposed();
        return _disks.TryGetValue(disk, out var source) ? source : throw new ArgumentException($"The backup has no disk '{disk}'.", nameof(disk));
    }

    private void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(Volatile.Read(ref _isDisposed) != 0, this);
}
