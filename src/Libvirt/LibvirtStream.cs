using System.Buffers;
using System.Buffers.Binary;
using Hypervisor.Sdk.Libvirt.Protocol;
using Hypervisor.Sdk.Libvirt.Rpc;

namespace Hypervisor.Sdk.Libvirt;

/// <summary>
/// A stream of bytes beside the calls of a connection: a volume's content, a console, a screenshot. One reader and one writer at a time. A reader that is slower than the daemon stops the whole
/// connection when <see cref="LibvirtOptions.StreamBufferBytes"/> are kept: large transfers have a connection of their own.
/// </summary>
/// <remarks>The stream messages of virnetprotocol.x.</remarks>
public class LibvirtStream : IAsyncDisposable
{
    private readonly LibvirtSession _session;
    private readonly Lock _gate = new();
    private readonly Queue<Piece> _pieces = new();
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TaskCompletionSource? _arrival;
    private TaskCompletionSource? _room;
    private uint _serial;
    private int _keptBytes;
    private bool _isWhole;
    private bool _isDiscarding;
    private bool _isClosing;
    private bool _hasEnded;
    private Exception? _error;

    private protected LibvirtStream(LibvirtSession session) => _session = session;

    internal LibvirtProcedure Procedure { get; private set; } = null!;

    internal static LibvirtStream Create(LibvirtSession session) => new(session);

    /// <summary>Reads what has arrived, or waits. Holes are read as zeros.</summary>
    /// <returns>How many bytes; 0 at the end.</returns>
    /// <exception cref="LibvirtException">The server ended the stream with an error.</exception>
    /// <exception cref="HypervisorException">The connection is gone.</exception>
    public async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (true)
        {
            if (TryRead(buffer.Span, fillHoles: true, out var part))
                return part.Bytes;
            await ArrivalAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Reads what has arrived, or waits; a hole is told by its length. Holes come only where the call was made with a flag for sparse streams.</summary>
    /// <exception cref="LibvirtException">The server ended the stream with an error.</exception>
    /// <exception cref="HypervisorException">The connection is gone.</exception>
    public async ValueTask<LibvirtStreamPart> ReadPartAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (true)
        {
            if (TryRead(buffer.Span, fillHoles: false, out var part))
                return part;
            await ArrivalAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Sends bytes. Completes when there is room for more; what is wrong with them at the server shows later, at <see cref="FinishAsync"/> at the latest.</summary>
    /// <exception cref="LibvirtException">The server has ended the stream with an error.</exception>
    /// <exception cref="HypervisorException">The connection is gone.</exception>
    public async ValueTask WriteAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken = default)
    {
        while (!data.IsEmpty)
        {
            await _session.WritableAsync().WaitAsync(cancellationToken).ConfigureAwait(false);
            int bytes = Math.Min(data.Length, XdrLimits.MaxStreamBytes);
            Send(RpcType.Stream, RpcStatus.Continue, data.Span[..bytes]);
            data = data[bytes..];
        }
    }

    /// <summary>Skips <paramref name="bytes"/> at the server, which leaves a hole there. Only where the call was made with a flag for sparse streams.</summary>
    public async ValueTask WriteHoleAsync(long bytes, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bytes);
        await _session.WritableAsync().WaitAsync(cancellationToken).ConfigureAwait(false);
        Span<byte> hole = stackalloc byte[12];
        BinaryPrimitives.WriteInt64BigEndian(hole, bytes);
        hole[8..].Clear();
        Send(RpcType.StreamHole, RpcStatus.Continue, hole);
    }

    /// <summary>Says that all was sent, or that no more is wanted, and waits until the server has confirmed that it has taken it. Without it an upload has not succeeded.</summary>
    /// <exception cref="LibvirtException">The server says that the transfer has failed.</exception>
    /// <exception cref="HypervisorException">The connection is gone: what became of the transfer is not known.</exception>
    public async Task FinishAsync(CancellationToken cancellationToken = default)
    {
        BeginClosing(RpcStatus.Ok);
        await _ended.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
        if (_error is { } error)
            throw error;
    }

    /// <summary>Aborts the stream when it has not been finished. May be called again, and never throws.</summary>
    public ValueTask DisposeAsync()
    {
        BeginClosing(Volatile.Read(ref _isWhole) ? RpcStatus.Ok : RpcStatus.Error);
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }

    internal void Begin(LibvirtProcedure procedure, uint serial)
    {
        Procedure = procedure;
        _serial = serial;
    }

    /// <summary>Nobody has waited for this stream: the server is told so.</summary>
    internal void SendAbort() => BeginClosing(RpcStatus.Error);

    /// <summary>Keeps what has arrived; no bytes are the end of what the server has. True when too much is kept.</summary>
    internal bool Receive(ReadOnlySpan<byte> data)
    {
        lock (_gate)
        {
            if (_isDiscarding)
                return false;
            if (data.IsEmpty)
            {
                _isWhole = true;
            }
            else
            {
                byte[] copy = ArrayPool<byte>.Shared.Rent(data.Length);
                data.CopyTo(copy);
                _pieces.Enqueue(new Piece { Data = copy, Left = data.Length });
                _keptBytes += data.Length;
            }

            Wake(ref _arrival);
            return IsFull;
        }
    }

    internal void ReceiveHole(long length)
    {
        lock (_gate)
        {
            if (_isDiscarding || length == 0)
                return;
            _pieces.Enqueue(new Piece { Left = length });
            Wake(ref _arrival);
        }
    }

    /// <summary>Completes when there is room for more.</summary>
    internal Task RoomAsync()
    {
        lock (_gate)
        {
            if (!IsFull || _hasEnded || _isDiscarding)
                return Task.CompletedTask;
            _room ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _room.Task;
        }
    }

    /// <summary>The server has confirmed the end (null), or ended the stream, or the connection is gone.</summary>
    internal void End(Exception? error)
    {
        lock (_gate)
        {
            if (_hasEnded)
                return;
            _hasEnded = true;
            _isWhole |= error is null;
            _error = error;
            Wake(ref _arrival);
            Wake(ref _room);
            _ended.TrySetResult();
        }
    }

    /// <summary>How much has arrived and was not read, with what belongs to each piece.</summary>
    internal int KeptBytes
    {
        get
        {
            lock (_gate)
                return _keptBytes + (_pieces.Count * PieceBytes);
        }
    }

    /// <summary>Whether too much is kept.</summary>
    internal bool IsFull => _keptBytes > _session.Options.StreamBufferBytes || _pieces.Count > MaxPieces;

    /// <summary>So that a server that sends single bytes or holes does not fill the memory with what belongs to each.</summary>
    private const int MaxPieces = 16 * 1024;

    private const int PieceBytes = 64;

    private static void Wake(ref TaskCompletionSource? waiter)
    {
        waiter?.TrySetResult();
        waiter = null;
    }

    private bool TryRead(Span<byte> buffer, bool fillHoles, out LibvirtStreamPart part)
    {
        lock (_gate)
        {
            part = default;
            if (_pieces.TryPeek(out var piece))
            {
                part = piece.Take(buffer, fillHoles);
                if (piece.Data is not null)
                    _keptBytes -= part.Bytes;
                if (piece.Left == 0)
                    Drop(_pieces.Dequeue());
                if (_keptBytes <= _session.Options.StreamBufferBytes / 2 && _pieces.Count <= MaxPieces / 2)
                    Wake(ref _room);
                return true;
            }

            if (_error is { } error)
                throw error;
            return _isWhole;
        }
    }

    private static void Drop(Piece piece)
    {
        if (piece.Data is { } data)
            ArrayPool<byte>.Shared.Return(data);
    }

    private Task ArrivalAsync(CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            if (_pieces.Count > 0 || _isWhole || _error is not null)
                return Task.CompletedTask;
            ObjectDisposedException.ThrowIf(_isDiscarding, this);
            _arrival ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _arrival.Task.WaitAsync(cancellationToken);
        }
    }

    private void Send(RpcType type, RpcStatus status, ReadOnlySpan<byte> payload)
    {
        lock (_gate)
        {
            if (_error is { } error)
                throw error;
            if (_isClosing || _hasEnded)
                throw new InvalidOperationException("The stream was finished: nothing can be sent on it any more.");
        }

        if (!_session.Send(Header(type, status), payload))
            throw _session.CloseReason!;
    }

    private void BeginClosing(RpcStatus status)
    {
        lock (_gate)
        {
            if (_isClosing)
                return;
            _isClosing = true;
            // What the server still sends until it hears of it is of no use to anybody.
            _isDiscarding = true;
            while (_pieces.TryDequeue(out var piece))
                Drop(piece);
            _keptBytes = 0;
            Wake(ref _arrival);
            Wake(ref _room);
            if (_hasEnded)
                return;
        }

        _session.Send(Header(RpcType.Stream, status), default);
    }

    private RpcHeader Header(RpcType type, RpcStatus status) => new(Procedure.Program, 1, Procedure.Number, type, _serial, status);

    /// <summary>Bytes that have arrived, or a hole.</summary>
    private sealed class Piece
    {
        private int _at;

        public byte[]? Data { get; init; }

        public long Left { get; set; }

        public LibvirtStreamPart Take(Span<byte> buffer, bool fillHoles)
        {
            if (Data is null && !fillHoles)
            {
                long hole = Left;
                Left = 0;
                return new LibvirtStreamPart(0, hole);
            }

            int bytes = (int)Math.Min(Left, buffer.Length);
            if (Data is null)
                buffer[..bytes].Clear();
            else
                Data.AsSpan(_at, bytes).CopyTo(buffer);
            _at += Data is null ? 0 : bytes;
            Left -= bytes;
            return new LibvirtStreamPart(bytes, 0);
        }
    }
}
