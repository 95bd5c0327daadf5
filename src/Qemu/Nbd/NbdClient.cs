using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using Hypervisor.Sdk.Qemu.Qmp;
using Hypervisor.Sdk.Transport;
using static Hypervisor.Sdk.Qemu.Nbd.NbdProtocol;

namespace Hypervisor.Sdk.Qemu.Nbd;

/// <summary>
/// Reads one export of an NBD server: its bytes, and what it says of them. One request at a time; callers wait for each other. A read allocates nothing. A request that was cancelled in the middle leaves bytes under way that
/// belong to nobody: the client is broken then (<see cref="IsBroken"/>) and another one has to be made.
/// </summary>
internal sealed partial class NbdClient : IAsyncDisposable
{
    private readonly Connection _connection;
    private readonly PipeReader _input;
    private readonly PipeWriter _output;
    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly List<uint> _contexts = [];
    private ulong _cookie;
    private volatile bool _isBroken;

    private NbdClient(Connection connection)
    {
        _connection = connection;
        _input = connection.Input;
        _output = connection.Output;
    }

    /// <summary>The size of the export in bytes.</summary>
    public long SizeBytes { get; private set; }

    /// <summary>Nothing more can be asked.</summary>
    public bool IsBroken => _isBroken || _connection.CloseReason is not null;

    /// <summary>Reads a part: fills the buffer.</summary>
    /// <exception cref="HypervisorException">The server has an error in its place, or is gone.</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public async ValueTask ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        bool isDone = false;
        try
        {
            ThrowIfBroken();
            while (buffer.Length > 0)
            {
                int length = Math.Min(buffer.Length, MaxReadBytes);
                await SendAsync(CommandRead, offset, (uint)length, cancellationToken).ConfigureAwait(false);
                await ReceiveReadAsync(offset, buffer[..length], cancellationToken).ConfigureAwait(false);
                offset += length;
                buffer = buffer[length..];
            }

            isDone = true;
        }
        catch (Exception error) when (error is ConnectionClosedException or IOException)
        {
            throw Lost(error);
        }
        finally
        {
            _isBroken |= !isDone;
            _turn.Release();
        }
    }

    /// <summary>Asks what the server says of a stretch in each of the contexts, in their order. What is said may end before the stretch does.</summary>
    public async ValueTask<IReadOnlyList<IReadOnlyList<NbdExtent>>> GetStatusAsync(long offset, uint length, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        bool isDone = false;
        try
        {
            ThrowIfBroken();
            await SendAsync(CommandBlockStatus, offset, length, cancellationToken).ConfigureAwait(false);
            var answers = _contexts.ConvertAll(static _ => new List<NbdExtent>());
            await ReceiveStatusAsync(answers, cancellationToken).ConfigureAwait(false);
            isDone = true;
            return answers;
        }
        catch (Exception error) when (error is ConnectionClosedException or IOException)
        {
            throw Lost(error);
        }
        finally
        {
            _isBroken |= !isDone;
            _turn.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        _isBroken = true;
        await _connection.DisposeAsync().ConfigureAwait(false);
        _turn.Dispose();
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask SendAsync(ushort command, long offset, uint length, CancellationToken cancellationToken)
    {
        WriteRequest(_output.GetSpan(RequestBytes), command, ++_cookie, (ulong)offset, length);
        _output.Advance(RequestBytes);
        await _output.FlushAsync(cancellationToken).ConfigureAwait(false);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask ReceiveReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        long filled = 0;
        NbdChunk chunk;
        do
        {
            chunk = await ReadChunkAsync(cancellationToken).ConfigureAwait(false);
            switch (chunk.Type)
            {
                case ChunkNone when chunk.Length == 0:
                    break;
                case ChunkData when chunk.Length > 8:
                    var place = Part(buffer, await ReadNumberAsync(8, cancellationToken).ConfigureAwait(false) - (ulong)offset, chunk.Length - 8);
                    await FillAsync(place, cancellationToken).ConfigureAwait(false);
                    filled += place.Length;
                    break;
                case ChunkHole when chunk.Length == 12:
                    ulong at = await ReadNumberAsync(8, cancellationToken).ConfigureAwait(false) - (ulong)offset;
                    var hole = Part(buffer, at, (uint)await ReadNumberAsync(4, cancellationToken).ConfigureAwait(false));
                    hole.Span.Clear();
                    filled += hole.Length;
                    break;
                default:
                    await ThrowChunkAsync(chunk, cancellationToken).ConfigureAwait(false);
                    break;
            }
        }
        while ((chunk.Flags & ChunkDone) == 0);
        if (filled != buffer.Length)
            throw Broken($"it sent {filled} of {buffer.Length} bytes");
    }

    private async ValueTask ReceiveStatusAsync(List<List<NbdExtent>> answers, CancellationToken cancellationToken)
    {
        NbdChunk chunk;
        do
        {
            chunk = await ReadChunkAsync(cancellationToken).ConfigureAwait(false);
            if (chunk.Type == ChunkBlockStatus && chunk.Length is >= 12 and <= MaxMessageBytes && chunk.Length % 8 == 4)
            {
                int context = _contexts.IndexOf((uint)await ReadNumberAsync(4, cancellationToken).ConfigureAwait(false));
                if (context < 0)
                    throw Broken("it spoke of a context that was not agreed");
                for (uint rest = chunk.Length - 4; rest > 0; rest -= 8)
                {
                    ulong both = await ReadNumberAsync(8, cancellationToken).ConfigureAwait(false);
                    answers[context].Add(new NbdExtent((uint)(both >> 32), (uint)both));
                }
            }
            else if (chunk is not { Type: ChunkNone, Length: 0 })
            {
                await ThrowChunkAsync(chunk, cancellationToken).ConfigureAwait(false);
            }
        }
        while ((chunk.Flags & ChunkDone) == 0);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<NbdChunk> ReadChunkAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var read = await _input.ReadAsync(cancellationToken).ConfigureAwait(false);
            if (TryReadChunk(read.Buffer, out var chunk))
            {
                _input.AdvanceTo(read.Buffer.GetPosition(ChunkHeaderBytes));
                return chunk.Magic == StructuredReplyMagic && chunk.Cookie == _cookie ? chunk : throw Broken("it answered something that was not asked");
            }

            Wait(read);
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<ulong> ReadNumberAsync(int bytes, CancellationToken cancellationToken)
    {
        while (true)
        {
            var read = await _input.ReadAsync(cancellationToken).ConfigureAwait(false);
            if (TryReadNumber(read.Buffer, bytes, out ulong number))
            {
                _input.AdvanceTo(read.Buffer.GetPosition(bytes));
                return number;
            }

            Wait(read);
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask FillAsync(Memory<byte> place, CancellationToken cancellationToken)
    {
        while (place.Length > 0)
        {
            var read = await _input.ReadAsync(cancellationToken).ConfigureAwait(false);
            var part = read.Buffer.Slice(0, Math.Min(read.Buffer.Length, place.Length));
            part.CopyTo(place.Span);
            place = place[(int)part.Length..];
            _input.AdvanceTo(part.End);
            if (read.IsCompleted && place.Length > 0)
                throw new ConnectionClosedException($"{_connection.Endpoint} ended the connection.");
        }
    }

    /// <summary>There is not enough yet.</summary>
    private void Wait(ReadResult read)
    {
        _input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        if (read.IsCompleted)
            throw new ConnectionClosedException($"{_connection.Endpoint} ended the connection.");
    }

    /// <summary>Where in the caller's buffer a piece belongs. A server that sends what was not asked for is not believed.</summary>
    private Memory<byte> Part(Memory<byte> buffer, ulong at, uint length) =>
        at + length <= (ulong)buffer.Length && at <= (ulong)buffer.Length ? buffer.Slice((int)at, (int)length) : throw Broken("it sent a piece that was not asked for");

    private async ValueTask ThrowChunkAsync(NbdChunk chunk, CancellationToken cancellationToken)
    {
        if ((chunk.Type & ChunkErrorBit) == 0 || chunk.Length is < 6 or > MaxMessageBytes)
            throw Broken($"it sent a piece of the kind {chunk.Type} and {chunk.Length} bytes");
        byte[] message = new byte[chunk.Length];
        await FillAsync(message, cancellationToken).ConfigureAwait(false);
        uint error = BinaryPrimitives.ReadUInt32BigEndian(message);
        int length = Math.Min(BinaryPrimitives.ReadUInt16BigEndian(message.AsSpan(4)), message.Length - 6);
        string words = System.Text.Encoding.UTF8.GetString(message, 6, length);
        throw new HypervisorException($"{_connection.Endpoint} could not read: error {error}{(words.Length > 0 ? ", " + words : "")}.", ErrorCode.Unspecified, RequestOutcome.Rejected) { BackendMessage = words.Length > 0 ? words : null };
    }

    private void ThrowIfBroken()
    {
        if (IsBroken)
            throw Lost(_connection.CloseReason);
    }

    private BackendConnectionException Lost(Exception? why) => QmpErrors.Closed(_connection.Endpoint, (why?.Message ?? "a request was given up in the middle").TrimEnd('.'), why);

    private BackendProtocolException Broken(string what) => QmpErrors.BrokenProtocol(_connection.Endpoint, what);

    private static void WriteRequest(Span<byte> into, ushort command, ulong cookie, ulong offset, uint length)
    {
        BinaryPrimitives.WriteUInt32BigEndian(into, RequestMagic);
        BinaryPrimitives.WriteUInt16BigEndian(into[4..], 0);
        BinaryPrimitives.WriteUInt16BigEndian(into[6..], command);
        BinaryPrimitives.WriteUInt64BigEndian(into[8..], cookie);
        BinaryPrimitives.WriteUInt64BigEndian(into[16..], offset);
        BinaryPrimitives.WriteUInt32BigEndian(into[24..], length);
    }

    private static bool TryReadChunk(in ReadOnlySequence<byte> buffer, out NbdChunk chunk)
    {
        chunk = default;
        if (buffer.Length < ChunkHeaderBytes)
            return false;
        Span<byte> header = stackalloc byte[ChunkHeaderBytes];
        buffer.Slice(0, ChunkHeaderBytes).CopyTo(header);
        chunk = new NbdChunk(
            BinaryPrimitives.ReadUInt32BigEndian(header), BinaryPrimitives.ReadUInt16BigEndian(header[4..]), BinaryPrimitives.ReadUInt16BigEndian(header[6..]), BinaryPrimitives.ReadUInt64BigEndian(header[8..]),
            BinaryPrimitives.ReadUInt32BigEndian(header[16..]));
        return true;
    }

    private static bool TryReadNumber(in ReadOnlySequence<byte> buffer, int bytes, out ulong number)
    {
        number = 0;
        if (buffer.Length < bytes)
            return false;
        Span<byte> text = stackalloc byte[8];
        text.Clear();
        buffer.Slice(0, bytes).CopyTo(text[(8 - bytes)..]);
        number = BinaryPrimitives.ReadUInt64BigEndian(text);
        return true;
    }

    private readonly record struct NbdChunk(uint Magic, ushort Flags, ushort Type, ulong Cookie, uint Length);
}
