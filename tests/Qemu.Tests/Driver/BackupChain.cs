using System.Security.Cryptography;

namespace Hypervisor.Sdk.Qemu.Tests.Driver;

/// <summary>What a chain of backups restores: full first, then each increment upon it, as a tool for backups would.</summary>
internal sealed class BackupChain
{
    private readonly Dictionary<DeviceId, byte[]> _disks = [];

    /// <summary>What the next increment goes on from.</summary>
    public string? Checkpoint { get; set; }

    public byte[] this[string disk] => _disks[DeviceId.Parse(disk)];

    /// <summary>How many bytes the last session had to be read.</summary>
    public long LastBytes { get; private set; }

    /// <summary>How many bytes of the last session were known to be zero.</summary>
    public long LastZeroBytes { get; private set; }

    /// <summary>Takes what belongs to a session.</summary>
    public async Task TakeAsync(BackupSession session, CancellationToken cancellationToken)
    {
        LastBytes = LastZeroBytes = 0;
        foreach (var disk in session.Disks)
        {
            byte[] bytes = _disks.GetValueOrDefault(disk) ?? [];
            await foreach (var extent in session.GetExtentsAsync(disk, cancellationToken))
            {
                int end = checked((int)(extent.Offset + extent.Length));
                if (bytes.Length < end)
                    Array.Resize(ref bytes, end);
                var place = bytes.AsMemory((int)extent.Offset, (int)extent.Length);
                if (extent.IsZero)
                    place.Span.Clear();
                else
                    await session.ReadAsync(disk, extent.Offset, place, cancellationToken);
                LastBytes += extent.IsZero ? 0 : extent.Length;
                LastZeroBytes += extent.IsZero ? extent.Length : 0;
            }

            _disks[disk] = bytes;
        }
    }

    /// <summary>Takes a whole backup, or what has changed since the last one.</summary>
    public async Task TakeAsync(IBackupSource source, InstanceId id, bool quiesce, CancellationToken cancellationToken)
    {
        await using var session = await source.BeginAsync(id, new BackupOptions { SinceCheckpoint = Checkpoint, Quiesce = quiesce }, cancellationToken);
        await TakeAsync(session, cancellationToken);
        Checkpoint = await session.CompleteAsync(cancellationToken);
    }

    public string Hash(string disk) => Convert.ToHexString(SHA256.HashData(this[disk]));

    /// <summary>The hash of the whole view, read without asking what belongs to it.</summary>
    public async Task<string> HashOfViewAsync(BackupSession session, string disk, CancellationToken cancellationToken)
    {
        byte[] all = new byte[this[disk].Length];
        await session.ReadAsync(DeviceId.Parse(disk), 0, all, cancellationToken);
        return Convert.ToHexString(SHA256.HashData(all));
    }
}
