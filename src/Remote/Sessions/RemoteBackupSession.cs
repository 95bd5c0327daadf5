using Hypervisor.Sdk.Remote.Calls;
using Hypervisor.Sdk.Remote.Wire;

namespace Hypervisor.Sdk.Remote.Sessions;

/// <summary>A frozen view of disks over there.</summary>
internal sealed class RemoteBackupSession(RemoteSession session) : BackupSession
{
    /// <summary>How many parts of a large read are on their way at a time.</summary>
    private const int Depth = 4;

    public override IReadOnlyList<DeviceId> Disks { get; } = session.Opened.NextMany<DeviceId>();

    public override IAsyncEnumerable<Extent> GetExtentsAsync(DeviceId disk, CancellationToken cancellationToken = default) => session.Ask("backup.extents").With(disk).ListAsync<Extent>(cancellationToken);

    public override async ValueTask ReadAsync(DeviceId disk, long offset, Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var parts = new Queue<(int At, int Bytes, Task<byte[]> Part)>();
        int asked = 0;
        // A read of nothing is asked for as well: it says whether there is such a disk.
        bool isFirst = true;
        while (asked < buffer.Length || parts.Count > 0 || isFirst)
        {
            while ((asked < buffer.Length || isFirst) && parts.Count < Depth)
            {
                isFirst = false;
                int bytes = Math.Min(WireProtocol.BlockBytes, buffer.Length - asked);
                parts.Enqueue((asked, bytes, session.Ask("backup.read").With(disk).With(offset + asked).With(bytes).FetchAsync(cancellationToken)));
                asked += bytes;
            }

            await TakeAsync(parts, buffer).ConfigureAwait(false);
        }
    }

    public override Task<string?> CompleteAsync(CancellationToken cancellationToken = default) => session.Change("backup.complete").FindAsync<string>(cancellationToken);

    public override ValueTask DisposeAsync() => session.DisposeAsync();

    private async Task TakeAsync(Queue<(int At, int Bytes, Task<byte[]> Part)> parts, Memory<byte> buffer)
    {
        var (at, bytes, part) = parts.Dequeue();
        try
        {
            byte[] read = await part.ConfigureAwait(false);
            if (read.Length != bytes)
                throw new BackendProtocolException($"A read of {bytes} bytes of a disk brought {read.Length}.", ErrorCode.Unspecified, RequestOutcome.Rejected) { Backend = session.Calls.Backend };
            read.CopyTo(buffer[at..]);
        }
        catch
        {
            foreach (var (_, _, other) in parts)
                await ((Task)other).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            throw;
        }
    }
}
