using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Hypervisor.Sdk.DiskImages;

/// <summary>
/// One export of an NBD server, for reading: what belongs to it, what of that is zero, and its bytes. The connection is made when it is first needed, and again after a read that was given up in the middle. Thread-safe; callers wait for
/// each other.
/// </summary>
/// <remarks>
/// The fixed newstyle negotiation, structured replies and the contexts <c>base:allocation</c> and <c>qemu:dirty-bitmap</c> (github.com/NetworkBlockDevice/nbd, doc/proto.md; QEMU's docs/interop/nbd.txt). What a server says that was not asked
/// for, comes twice or does not end is an error and ends the connection.
/// </remarks>
public sealed class NbdExport : IAsyncDisposable
{
    /// <summary>What is asked about at once.</summary>
    private const long WindowBytes = 1L << 30;

    private const string Allocation = "base:allocation";

    private readonly NbdExportOptions _options;
    private readonly string[] _contexts;

    [SuppressMessage("Usage", "CA2213", Justification = "Whoever waits for his turn would never be woken; it holds nothing.")]
    private readonly SemaphoreSlim _turn = new(1, 1);

    private NbdClient? _client;
    private bool _isDisposed;

    /// <summary>Remembers where the export is; nothing is connected yet.</summary>
    /// <exception cref="ArgumentException">There is no socket or no name.</exception>
    public NbdExport(NbdExportOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentException.ThrowIfNullOrEmpty(options.SocketPath, nameof(options));
        ArgumentNullException.ThrowIfNull(options.Name, nameof(options));
        _options = options;
        _contexts = options.DirtyBitmap is { } bitmap ? [Allocation, "qemu:dirty-bitmap:" + bitmap] : [Allocation];
    }

    /// <summary>The parts that belong to it, in order, not overlapping: those of the bitmap, or all where there is none.</summary>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="HypervisorException">There is no server, or it has no such export or bitmap; it is gone, or says nothing for too long (<see cref="ErrorCode.Timeout"/>).</exception>
    /// <exception cref="ObjectDisposedException">It is disposed.</exception>
    public async IAsyncEnumerable<Extent> GetExtentsAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var client = await ConnectAsync(cancellationToken).ConfigureAwait(false);
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
                throw new BackendProtocolException($"The server says nothing of the export '{_options.Name}' at {at}.", ErrorCode.Protocol, RequestOutcome.Unknown);
            // The connection may have been made anew for a reader meanwhile.
            client = await ConnectAsync(cancellationToken).ConfigureAwait(false);
        }

        if (pending.Length > 0)
            yield return pending;
    }

    /// <summary>Reads a part: fills the buffer. Allocates nothing while the connection lasts.</summary>
    /// <param name="offset">Where it begins, in bytes.</param>
    /// <param name="buffer">Where it goes.</param>
    /// <param name="cancellationToken">Gives up; the next read makes another connection.</param>
    /// <exception cref="ArgumentOutOfRangeException">It reaches beyond the export.</exception>
    /// <exception cref="HypervisorException">There is no server or no such export; it has an error in the place of the bytes, is gone, or says nothing for too long (<see cref="ErrorCode.Timeout"/>).</exception>
    /// <exception cref="ObjectDisposedException">It is disposed.</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public async ValueTask ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var client = _client is { IsBroken: false } ready ? ready : await ConnectAsync(cancellationToken).ConfigureAwait(false);
        if (offset < 0 || offset > client.SizeBytes - buffer.Length)
            throw new ArgumentOutOfRangeException(nameof(offset), offset, $"The disk has {client.SizeBytes} bytes.");
        await client.ReadAsync(offset, buffer, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Ends the connection. One that is being made is waited for; whoever waits for one after that is told.</summary>
    public async ValueTask DisposeAsync()
    {
        await _turn.WaitAsync().ConfigureAwait(false);
        try
        {
            _isDisposed = true;
            if (_client is { } client)
                await client.DisposeAsync().ConfigureAwait(false);
        }
        finally
        {
            _turn.Release();
        }
    }

    private async Task<NbdClient> ConnectAsync(CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            if (_client is { IsBroken: false } ready)
                return ready;
            if (_client is { } broken)
                await broken.DisposeAsync().ConfigureAwait(false);
            return _client = await NbdClient.ConnectAsync(_options.SocketPath, _options.Name, _contexts, _options.ConnectTimeout, _options.ReplyTimeout, _options.TimeProvider, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _turn.Release();
        }
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
}
