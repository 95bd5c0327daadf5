using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.Versioning;
using Hypervisor.Sdk.Qemu.Machines;
using Hypervisor.Sdk.Qemu.Nbd;
using Hypervisor.Sdk.Qemu.State;

namespace Hypervisor.Sdk.Qemu.Backups;

/// <summary>A view of the disks of one moment, read from QEMU's NBD server by a connection for each disk.</summary>
[SupportedOSPlatform("linux")]
internal sealed class QemuBackupSession : BackupSession
{
    /// <summary>What is asked about at once.</summary>
    private const long WindowBytes = 1L << 30;

    private const string Allocation = "base:allocation";

    private readonly QemuBackups _backups;
    private readonly QemuServices _services;
    private readonly InstanceId _id;
    private readonly Dictionary<DeviceId, Disk> _disks;
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
        _services = services;
        _id = id;
        _keepsCheckpoint = keepsCheckpoint;
        _held = held;
        Disks = [.. disks.Select(disk => DeviceId.Parse(disk))];
        _disks = Disks.ToDictionary(static disk => disk, disk => new Disk(services.Runtime.SocketOf(id.ToString(), BackupNodes.Socket), disk.ToString(), changed.Contains(disk.ToString())));
    }

    public override IReadOnlyList<DeviceId> Disks { get; }

    public override async IAsyncEnumerable<Extent> GetExtentsAsync(DeviceId disk, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var source = Require(disk);
        var client = await ConnectAsync(source, cancellationToken).ConfigureAwait(false);
        Extent pending = default;
        for (long at = 0; at < client.SizeBytes;)
        {
            var answers = await client.GetStatusAsync(at, (uint)Math.Min(WindowBytes, client.SizeBytes - at), cancellationToken).ConfigureAwait(false);
            long begin = at;
            foreach (var part in Merge(at, Math.Min(WindowBytes, client.SizeBytes - at), answers))
            {
                at = part.Extent.Offset + part.Extent.Length;
                if (!part.Belongs)
                    continue;
                if (pending.Length > 0 && pending.IsZero == part.Extent.IsZero && pending.Offset + pending.Length == part.Extent.Offset)
                {
                    pending = pending with { Length = pending.Length + part.Extent.Length };
                    continue;
                }

                if (pending.Length > 0)
                    yield return pending;
                pending = part.Extent;
            }

            if (at == begin)
                throw new BackendProtocolException($"QEMU says nothing of the disk '{disk}' at {at}.", ErrorCode.Protocol, RequestOutcome.Unknown);
            // The connection may have been made anew for a reader meanwhile.
            client = await ConnectAsync(source, cancellationToken).ConfigureAwait(false);
        }

        if (pending.Length > 0)
            yield return pending;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public override async ValueTask ReadAsync(DeviceId disk, long offset, Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var source = Require(disk);
        var client = source.Client is { IsBroken: false } ready ? ready : await ConnectAsync(source, cancellationToken).ConfigureAwait(false);
        if (offset < 0 || offset > client.SizeBytes - buffer.Length)
            throw new ArgumentOutOfRangeException(nameof(offset), offset, $"The disk has {client.SizeBytes} bytes.");
        await client.ReadAsync(offset, buffer, cancellationToken).ConfigureAwait(false);
    }

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

    /// <summary>Brings together what is written and what is zero; ends where the shorter of both answers does.</summary>
    private static IEnumerable<(Extent Extent, bool Belongs)> Merge(long at, long length, IReadOnlyList<IReadOnlyList<NbdExtent>> answers)
    {
        var states = answers[0];
        var written = answers.Count > 1 ? answers[1] : null;
        int state = 0, mark = 0;
        long end = at + length, stateEnd = at, markEnd = at;
        while (at < end)
        {
            while (state < states.Count && stateEnd <= at)
                stateEnd += states[state++].Length;
            while (written is not null && mark < written.Count && markEnd <= at)
                markEnd += written[mark++].Length;
            long until = Math.Min(end, written is null ? stateEnd : Math.Min(stateEnd, markEnd));
            if (until <= at)
                yield break;
            yield return (new Extent(at, until - at, (states[state - 1].Flags & NbdProtocol.StateZero) != 0), written is null || (written[mark - 1].Flags & NbdProtocol.StateDirty) != 0);
            at = until;
        }
    }

    private Disk Require(DeviceId disk)
    {
        ObjectDisposedException.ThrowIf(_isDisposed != 0, this);
        return _disks.TryGetValue(disk, out var source) ? source : throw new ArgumentException($"The backup has no disk '{disk}'.", nameof(disk));
    }

    private async Task<NbdClient> ConnectAsync(Disk disk, CancellationToken cancellationToken) => await disk.ConnectAsync(_services.Options, _services.Time, cancellationToken).ConfigureAwait(false);

    /// <summary>The connection to one export, made when it is first asked for, and again after a read that was given up.</summary>
    private sealed class Disk(string socket, string export, bool isChangeOnly) : IAsyncDisposable
    {
        [SuppressMessage("Usage", "CA2213", Justification = "Whoever waits for his turn would never be woken; it holds nothing.")]
        private readonly SemaphoreSlim _turn = new(1, 1);
        private bool _isDisposed;

        public NbdClient? Client { get; private set; }

        public async Task<NbdClient> ConnectAsync(QemuOptions options, TimeProvider time, CancellationToken cancellationToken)
        {
            await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
            try
            {
                ObjectDisposedException.ThrowIf(_isDisposed, typeof(BackupSession));
                if (Client is { IsBroken: false } ready)
                    return ready;
                if (Client is { } broken)
                    await broken.DisposeAsync().ConfigureAwait(false);
                string[] contexts = isChangeOnly ? [Allocation, "qemu:dirty-bitmap:" + BackupNodes.Written] : [Allocation];
                return Client = await NbdClient.ConnectAsync(socket, export, contexts, options.StartTimeout, options.DefaultDeadline, time, cancellationToken).ConfigureAwait(false);
            }
            finally
            {
                _turn.Release();
            }
        }

        public async ValueTask DisposeAsync()
        {
            // A connection that is being made is waited for; whoever waits for one after that is told.
            await _turn.WaitAsync().ConfigureAwait(false);
            try
            {
                _isDisposed = true;
                if (Client is { } client)
                    await client.DisposeAsync().ConfigureAwait(false);
            }
            finally
            {
                _turn.Release();
            }
        }
    }
}
