using System.Buffers;
using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Text;
using Hypervisor.Sdk.Transport;

namespace Hypervisor.Sdk.Remote.Wire;

/// <summary>
/// One end of a connection over which both ends call each other. Who connected numbers his calls oddly, the other one evenly, and each upwards, so that a number says whose call it is and is never used again. One loop reads and never
/// waits for anything else, so that no call keeps another one waiting.
/// </summary>
internal sealed partial class Peer : IAsyncDisposable
{
    private readonly Connection _connection;
    private readonly Func<Exchange, Task<ReadOnlyMemory<byte>>> _serve;
    private readonly Func<Exception, bool, ReadOnlyMemory<byte>> _describe;
#pragma warning disable CA2213 // They have no wait handle, and calls that wait for their turn must still be told that the other end is gone.
    private readonly SemaphoreSlim _writing = new(1, 1);
    private readonly SemaphoreSlim _turns = new(WireProtocol.MaxCalls);
#pragma warning restore CA2213
    private readonly ConcurrentDictionary<ulong, Exchange> _calls = [];
    private readonly ConcurrentDictionary<ulong, Exchange> _served = [];
    private readonly TaskCompletionSource<PeerLostException> _lost = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _allServed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Task _reading = Task.CompletedTask;
    private ulong _nextCall;
    private ulong _lastServed;
    private PeerLostException? _loss;

    // What is served, and the loop that reads.
    private int _working = 1;

    /// <summary>An end of a connection, which is owned.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="isCaller">Whether this end has connected.</param>
    /// <param name="serve">Carries out a call of the other end, and returns what it is answered or ended with.</param>
    /// <param name="describe">The failure of a call as it is sent; and whether the caller had cancelled it.</param>
    public Peer(Connection connection, bool isCaller, Func<Exchange, Task<ReadOnlyMemory<byte>>> serve, Func<Exception, bool, ReadOnlyMemory<byte>> describe)
    {
        _connection = connection;
        _nextCall = isCaller ? 1UL : 2UL;
        _serve = serve;
        _describe = describe;
    }

    /// <summary>Completes, always successfully, when the other end is gone.</summary>
    public Task<PeerLostException> Lost => _lost.Task;

    public bool IsAlive => Volatile.Read(ref _loss) is null;

    /// <summary>Begins to read what the other end sends.</summary>
    public void Begin() => _reading = Task.Run(ReadAsync);

    /// <summary>Calls the other end; waits while too many calls are under way. What comes of it is told by the exchange.</summary>
    /// <exception cref="PeerLostException">The other end is gone; <see cref="Exchange.IsSent"/> says whether it may have heard of it.</exception>
    public async ValueTask CallAsync(Exchange exchange, CancellationToken cancellationToken)
    {
        await _turns.WaitAsync(cancellationToken).ConfigureAwait(false);
        bool isKept = false;
        try
        {
            await _writing.WaitAsync(cancellationToken).ConfigureAwait(false);
            try
            {
                ThrowIfLost();
                exchange.Id = _nextCall;
                _nextCall += 2;
                _calls[exchange.Id] = exchange;
                isKept = true;
                exchange.IsSent = true;
                Write(exchange.IsOpen ? FrameKind.Open : FrameKind.Call, exchange.Id, exchange.Name, exchange.Arguments);
                await FlushAsync().ConfigureAwait(false);
            }
            finally
            {
                _writing.Release();
            }

            // Who loses the other end fails what is in the table by then: what came into it later fails here.
            if (Volatile.Read(ref _loss) is { } lost)
                Forget(exchange, lost);
        }
        finally
        {
            if (!isKept)
                _turns.Release();
        }
    }

    /// <summary>Sends a frame.</summary>
    /// <exception cref="PeerLostException">The other end is gone.</exception>
    public async ValueTask SendAsync(FrameKind kind, ulong id, ReadOnlyMemory<byte> payload, CancellationToken cancellationToken)
    {
        await _writing.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            ThrowIfLost();
            Write(kind, id, null, payload);
            await FlushAsync().ConfigureAwait(false);
        }
        finally
        {
            _writing.Release();
        }
    }

    public ValueTask SendCreditAsync(ulong id, uint bytes)
    {
        byte[] payload = new byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32BigEndian(payload, bytes);
        return SendAsync(FrameKind.Credit, id, payload, CancellationToken.None);
    }

    /// <summary>Sends a frame without a payload when its turn comes; nobody waits for it.</summary>
    public void Post(FrameKind kind, ulong id) => ThreadPool.UnsafeQueueUserWorkItem(
        static async state =>
        {
            try
            {
                await state.Peer.SendAsync(state.Kind, state.Id, default, CancellationToken.None).ConfigureAwait(false);
            }
            catch (PeerLostException)
            {
                // Then the call that it is about is over as well, and whoever made it knows.
            }
        },
        (Peer: this, Kind: kind, Id: id),
        preferLocal: false);

    public async ValueTask DisposeAsync()
    {
        Lose(new PeerLostException($"The connection to {_connection.Endpoint} was closed by this side.", null, isBroken: false));
        await _connection.DisposeAsync().ConfigureAwait(false);
        // A standard input cannot be closed under a read that is pending: then it is the wait for it that ends.
        _connection.Input.CancelPendingRead();
        await _reading.ConfigureAwait(false);
    }

    /// <summary>Tells whoever called how far it is; nobody when the call is over.</summary>
    public void Report(ulong id, TransferProgress progress)
    {
        if (_calls.TryGetValue(id, out var call))
            call.Progress?.Report(progress);
    }

    /// <summary>What a call of the other end is about that is open; null when there is none.</summary>
    public object? Subject(ulong id) => _served.TryGetValue(id, out var served) ? served.Subject : null;

    /// <summary>Completes when the other end is gone and none of its calls is being carried out any more.</summary>
    public Task ServedAsync() => _allServed.Task;

    private void ThrowIfLost()
    {
        if (_connection.CloseReason is { } reason)
            Lose(new PeerLostException(reason.Message, reason, isBroken: false));
        if (Volatile.Read(ref _loss) is { } lost)
            throw Copy(lost);
    }

    // An exception that several are told is thrown several times: each has his own stack.
    private static PeerLostException Copy(PeerLostException lost) => new(lost.Message, lost.InnerException, lost.IsBroken);

    private void Write(FrameKind kind, ulong id, string? name, ReadOnlyMemory<byte> payload)
    {
        int nameBytes = name is null ? 0 : 1 + Encoding.UTF8.GetByteCount(name);
        int headBytes = LengthFormat.PrefixBytes + WireProtocol.HeaderBytes + nameBytes;
        var output = _connection.Output;
        var head = output.GetSpan(headBytes);
        LengthFraming.WriteLength(head, WireProtocol.Format, WireProtocol.HeaderBytes + nameBytes + payload.Length);
        head[LengthFormat.PrefixBytes] = (byte)kind;
        BinaryPrimitives.WriteUInt64BigEndian(head[(LengthFormat.PrefixBytes + 1)..], id);
        if (name is not null)
        {
            head[LengthFormat.PrefixBytes + WireProtocol.HeaderBytes] = (byte)(nameBytes - 1);
            Encoding.UTF8.GetBytes(name, head[(LengthFormat.PrefixBytes + WireProtocol.HeaderBytes + 1)..]);
        }

        output.Advance(headBytes);
        output.Write(payload.Span);
    }

    private async ValueTask FlushAsync()
    {
        try
        {
            await _connection.Output.FlushAsync().ConfigureAwait(false);
        }
        catch (Exception error) when (error is ConnectionClosedException or InvalidOperationException)
        {
            Lose(new PeerLostException(error.Message, error, isBroken: false));
            throw Copy(_loss!);
        }
    }

    private void Lose(PeerLostException lost)
    {
        if (Interlocked.CompareExchange(ref _loss, lost, null) is not null)
            return;
        _connection.Abort(lost);
        foreach (var call in _calls.Values)
            Forget(call, lost);
        foreach (var served in _served.Values)
        {
            served.Inbox.End(Copy(lost));
            served.Cancelled();
        }

        _lost.TrySetResult(lost);
    }

    private void Forget(Exchange call, PeerLostException? lost)
    {
        if (!_calls.TryRemove(call.Id, out _))
            return;
        _turns.Release();
        if (lost is not null)
            call.Fail(Copy(lost));
    }
}
