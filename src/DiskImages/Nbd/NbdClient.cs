using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using Hypervisor.Sdk.Transport;
using static Hypervisor.Sdk.DiskImages.NbdProtocol;

namespace Hypervisor.Sdk.DiskImages;

/// <summary>
/// Reads one export of an NBD server: its bytes, and what it says of them. Callers wait for each other; a read is divided into requests of which several are under way at once, so that the server reads on while
/// its answers are taken. It allocates nothing. A request that was cancelled in the middle leaves bytes under way that
/// belong to nobody: the client is broken then (<see cref="IsBroken"/>) and another one has to be made.
/// </summary>
internal sealed partial class NbdClient : IAsyncDisposable
{
    /// <summary>How many reads are under way at once. More brings nothing.</summary>
    private const int Depth = 4;

    private readonly Connection _connection;
    private readonly PipeReader _input;
    private readonly PipeWriter _output;

    [SuppressMessage("Usage", "CA2213", Justification = "Whoever waits for his turn would never be woken; it holds nothing.")]
    private readonly SemaphoreSlim _turn = new(1, 1);

    private readonly List<uint> _contexts = [];
    private readonly Flight[] _flights = [.. Enumerable.Range(0, Depth).Select(static _ => new Flight())];
    private readonly TimeSpan _patience;
    private readonly ITimer _silence;
    private ulong _cookie;
    private volatile bool _isBroken;

    private NbdClient(Connection connection, TimeSpan patience, TimeProvider time)
    {
        _connection = connection;
        _input = connection.Input;
        _output = connection.Output;
        _patience = patience;
        _silence = time.CreateTimer(static state => ((NbdClient)state!).GiveUp(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>The size of the export in bytes.</summary>
    public long SizeBytes { get; private set; }

    /// <summary>Nothing more can be asked.</summary>
    public bool IsBroken => _isBroken || _connection.CloseReason is not null;

    /// <summary>Reads a part: fills the buffer.</summary>
    /// <exception cref="HypervisorException">The server has an error in its place, is gone, or says nothing for too long (<see cref="ErrorCode.Timeout"/>).</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public async ValueTask ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        bool isDone = false;
        try
        {
            ThrowIfBroken();
            for (int at = 0, underWay = 0; at < buffer.Length || underWay > 0;)
            {
                if (at < buffer.Length && underWay < Depth)
                {
                    for (; at < buffer.Length && underWay < Depth; underWay++)
                    {
                        int length = Math.Min(buffer.Length - at, PieceBytes);
                        Array.Find(_flights, static flight => !flight.IsUnderWay)!.Begin(++_cookie, (ulong)(offset + at), buffer.Slice(at, length));
                        Write(CommandRead, _cookie, offset + at, (uint)length);
                        at += length;
                    }

                    await FlushAsync(cancellationToken).ConfigureAwait(false);
                }

                if (await ReceiveReadAsync(cancellationToken).ConfigureAwait(false))
                    underWay--;
            }

            isDone = true;
        }
        catch (Exception error) when (error is ConnectionClosedException or IOException)
        {
            throw Lost(error);
        }
        finally
        {
            _silence.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
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
            await ReceiveStatusAsync(answers, length, cancellationToken).ConfigureAwait(false);
            isDone = true;
            return answers;
        }
        catch (Exception error) when (error is ConnectionClosedException or IOException)
        {
            throw Lost(error);
        }
        finally
        {
            _silence.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            _isBroken |= !isDone;
            _turn.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        _isBroken = true;
        await _silence.DisposeAsync().ConfigureAwait(false);
        await _connection.DisposeAsync().ConfigureAwait(false);
    }

    private ValueTask<FlushResult> SendAsync(ushort command, long offset, uint length, CancellationToken cancellationToken)
    {
        Write(command, ++_cookie, offset, length);
        return FlushAsync(cancellationToken);
    }

    private void Write(ushort command, ulong cookie, long offset, uint length)
    {
        WriteRequest(_output.GetSpan(RequestBytes), command, cookie, (ulong)offset, length);
        _output.Advance(RequestBytes);
    }

    private ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken)
    {
        _silence.Change(_patience, Timeout.InfiniteTimeSpan);
        return _output.FlushAsync(cancellationToken);
    }

    /// <summary>Takes one piece of the answer to one of the reads that are under way.</summary>
    /// <returns>Whether it was the last of its read.</returns>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<bool> ReceiveReadAsync(CancellationToken cancellationToken)
    {
        var chunk = await ReadChunkAsync(cancellationToken).ConfigureAwait(false);
        var flight = FindFlight(chunk.Cookie);
        switch (chunk.Type)
        {
            case ChunkNone when chunk.Length == 0 && (chunk.Flags & ChunkDone) != 0:
                break;
            case ChunkData when chunk.Length > 8:
                var place = Part(flight, await ReadNumberAsync(8, cancellationToken).ConfigureAwait(false) - flight.Offset, chunk.Length - 8);
                await FillAsync(place, cancellationToken).ConfigureAwait(false);
                break;
            case ChunkHole when chunk.Length == 12:
                ulong at = await ReadNumberAsync(8, cancellationToken).ConfigureAwait(false) - flight.Offset;
                var hole = Part(flight, at, (uint)await ReadNumberAsync(4, cancellationToken).ConfigureAwait(false));
                hole.Span.Clear();
                break;
            default:
                await ThrowChunkAsync(chunk, cancellationToken).ConfigureAwait(false);
                break;
        }

        if ((chunk.Flags & ChunkDone) == 0)
            return false;
        if (flight.Pieces.Bytes != flight.Place.Length)
            throw Broken($"it sent {flight.Pieces.Bytes} of {flight.Place.Length} bytes");
        _silence.Change(_patience, Timeout.InfiniteTimeSpan);
        flight.End();
        return true;
    }

    private Flight FindFlight(ulong cookie)
    {
        foreach (var flight in _flights)
        {
            if (flight.IsUnderWay && flight.Cookie == cookie)
                return flight;
        }

        throw Broken("it answered something that was not asked");
    }

    /// <summary>Each context is spoken of once ("NBD_REPLY_TYPE_BLOCK_STATUS"), in stretches of which the last alone may reach beyond what was asked.</summary>
    private async ValueTask ReceiveStatusAsync(List<List<NbdExtent>> answers, uint length, CancellationToken cancellationToken)
    {
        NbdChunk chunk;
        do
        {
            chunk = await ReadChunkAsync(cancellationToken).ConfigureAwait(false);
            if (chunk.Cookie != _cookie)
                throw Broken("it answered something that was not asked");
            if (chunk.Type == ChunkBlockStatus && chunk.Length is >= 12 and <= MaxMessageBytes && chunk.Length % 8 == 4)
            {
                int context = _contexts.IndexOf((uint)await ReadNumberAsync(4, cancellationToken).ConfigureAwait(false));
                if (context < 0)
                    throw Broken("it spoke of a context that was not agreed");
                if (answers[context].Count > 0)
                    throw Broken("it spoke of one context twice");
                long said = 0;
                for (uint rest = chunk.Length - 4; rest > 0; rest -= 8)
                {
                    ulong both = await ReadNumberAsync(8, cancellationToken).ConfigureAwait(false);
                    var extent = new NbdExtent((uint)(both >> 32), (uint)both);
                    if (extent.Length == 0 || said >= length)
                        throw Broken(extent.Length == 0 ? "it spoke of a stretch of nothing" : "it spoke of a stretch that was not asked about");
                    said += extent.Length;
                    answers[context].Add(extent);
                }
            }
            else if (chunk is not { Type: ChunkNone, Length: 0 } || (chunk.Flags & ChunkDone) == 0)
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
                return chunk.Magic == StructuredReplyMagic ? chunk : throw Broken("it answered something that was not asked");
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
    private Memory<byte> Part(Flight flight, ulong at, uint length)
    {
        var buffer = flight.Place;
        if (length == 0 || at > (ulong)buffer.Length || at + length > (ulong)buffer.Length)
            throw Broken("it sent a piece that was not asked for");
        return flight.Pieces.TryAdd((int)at, (int)length) ? buffer.Slice((int)at, (int)length) : throw Broken("it sent a piece twice, or in too many parts");
    }

    private async ValueTask ThrowChunkAsync(NbdChunk chunk, CancellationToken cancellationToken)
    {
        if ((chunk.Type & ChunkErrorBit) == 0 || chunk.Length is < 6 or > MaxMessageBytes)
            throw Broken($"it sent a piece of the kind {chunk.Type} and {chunk.Length} bytes");
        byte[] message = new byte[chunk.Length];
        await FillAsync(message, cancellationToken).ConfigureAwait(false);
        uint error = BinaryPrimitives.ReadUInt32BigEndian(message);
        int length = BinaryPrimitives.ReadUInt16BigEndian(message.AsSpan(4));
        if (length > message.Length - 6)
            throw Broken("the words of its error are longer than the error");
        string words = Words(message.AsSpan(6, length));
        throw new HypervisorException($"{_connection.Endpoint} could not read: error {error}{(words.Length > 0 ? ", " + words : "")}.", ErrorCode.Unspecified, RequestOutcome.Rejected) { BackendMessage = words.Length > 0 ? words : null };
    }

    private void ThrowIfBroken()
    {
        if (IsBroken)
            throw Lost(_connection.CloseReason);
    }

    /// <summary>The server has said nothing for too long. Whoever waits for it is told by the end of the connection.</summary>
    private void GiveUp() => _connection.Abort(new TimeoutException($"It did not answer within {_patience.TotalSeconds:0.#} s."));

    /// <summary>What a server says of its errors, as much of it as fits into a message.</summary>
    private static string Words(ReadOnlySpan<byte> text)
    {
        string words = System.Text.Encoding.UTF8.GetString(text[..Math.Min(text.Length, MaxWordsBytes)]);
        return string.Concat(words.Select(static c => char.IsControl(c) ? ' ' : c)).Trim();
    }

    private BackendConnectionException Lost(Exception? why) => IsSilence(why) || IsSilence(_connection.CloseReason)
        ? new BackendConnectionException($"{_connection.Endpoint} did not answer within {_patience.TotalSeconds:0.#} s.", ErrorCode.Timeout, RequestOutcome.Unknown, why)
        : NbdErrors.Closed(_connection.Endpoint, (why?.Message ?? "a request was given up in the middle").TrimEnd('.'), why);

    private static bool IsSilence(Exception? why) => why is TimeoutException || why?.InnerException is TimeoutException;

    private BackendProtocolException Broken(string what) => NbdErrors.BrokenProtocol(_connection.Endpoint, what);

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

    /// <summary>A read that is under way.</summary>
    private sealed class Flight
    {
        public bool IsUnderWay { get; private set; }

        public ulong Cookie { get; private set; }

        public ulong Offset { get; private set; }

        /// <summary>Where the answer goes.</summary>
        public Memory<byte> Place { get; private set; }

        public NbdPieces Pieces { get; } = new();

        public void Begin(ulong cookie, ulong offset, Memory<byte> place)
        {
            (IsUnderWay, Cookie, Offset, Place) = (true, cookie, offset, place);
            Pieces.Clear();
        }

        public void End() => (IsUnderWay, Place) = (false, default);
    }

    private readonly record struct NbdChunk(uint Magic, ushort Flags, ushort Type, ulong Cookie, uint Length);
}
