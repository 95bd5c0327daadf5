using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using Hypervisor.Sdk.Libvirt.Protocol;
using Hypervisor.Sdk.Transport;

namespace Hypervisor.Sdk.Libvirt.Rpc;

/// <content>Receiving: replies, events, streams, and who runs the callers.</content>
internal sealed partial class LibvirtSession : IThreadPoolWorkItem
{
    /// <summary>Replies that are collected before they are delivered, at most: as many as arrive in one read of the socket.</summary>
    private const int MaxBatch = 128;

    /// <summary>The length counts itself; beside it a message has its header, and libvirt's limit.</summary>
    internal static readonly LengthFormat Format = new() { CountsItself = true, MinPayloadBytes = RpcHeader.Bytes, MaxPayloadBytes = XdrLimits.MaxMessageBytes };

    // Of the read loop alone: the replies of this read, in order, and a stream whose reader is behind.
    private LibvirtPendingCall? _batchFirst;
    private LibvirtPendingCall? _batchLast;
    private int _batchCount;
    private LibvirtStream? _full;

    // Replies on their way to their callers, under their own lock.
    private readonly Lock _deliveryGate = new();
    private LibvirtPendingCall? _deliveryFirst;
    private LibvirtPendingCall? _deliveryLast;

    void IThreadPoolWorkItem.Execute() => DeliverQueued();

    private async Task ReadLoopAsync()
    {
        try
        {
            while (true)
            {
                var reading = _input.ReadAsync();
                ReadResult read;
                if (reading.IsCompleted)
                {
                    if (_batchCount >= MaxBatch)
                        DeliverElsewhere(TakeBatch());
                    read = await reading.ConfigureAwait(false);
                }
                else
                {
                    // First the loop waits for the socket, then this thread runs the callers: no thread hop, and a caller that blocks its thread does not block the loop.
                    read = await new ReadThenDeliver(this, reading, TakeBatch());
                }

                Volatile.Write(ref _heard, true);
                var buffer = read.Buffer;
                while (LengthFraming.TryReadFrame(ref buffer, Format, out var message))
                {
                    Receive(message);
                    if (_full is not null)
                        await CatchUpAsync().ConfigureAwait(false);
                }

                FlushDeferred();
                _input.AdvanceTo(buffer.Start, buffer.End);
                if (read.IsCompleted)
                    throw buffer.IsEmpty ? LibvirtErrors.Closed(Endpoint, "the server closed it") : LibvirtErrors.Closed(Endpoint, "the server went away in the middle of a message");
            }
        }
        catch (Exception error)
        {
            if (TakeBatch() is { First: not null } batch)
                DeliverElsewhere(batch);
            Close(LibvirtErrors.CloseReason(Endpoint, error));
        }
    }

    /// <summary>Nothing more is read until the reader of a stream has caught up: that is what stops the server.</summary>
    private async Task CatchUpAsync()
    {
        var full = _full!;
        _full = null;
        if (TakeBatch() is { First: not null } batch)
            DeliverElsewhere(batch);
        FlushDeferred();
        Volatile.Write(ref _stalled, true);
        await full.RoomAsync().ConfigureAwait(false);
        Volatile.Write(ref _stalled, false);
        Volatile.Write(ref _heard, true);
    }

    private void Receive(in ReadOnlySequence<byte> message)
    {
        if (message.IsSingleSegment)
        {
            Receive(message.FirstSpan);
            return;
        }

        int length = (int)message.Length;
        byte[] whole = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            message.CopyTo(whole);
            Receive(whole.AsSpan(0, length));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(whole);
        }
    }

    /// <summary>One whole message behind its length.</summary>
    internal void Receive(ReadOnlySpan<byte> message)
    {
        var r = new XdrReader(message);
        var header = RpcHeader.Read(ref r);
        if (header.Version != 1)
            throw LibvirtErrors.BrokenProtocol(Endpoint, $"it sent version {header.Version} of the program 0x{header.Program:x8}");
        switch (header.Type)
        {
            case RpcType.Reply:
                ReceiveReply(in header, ref r);
                break;
            case RpcType.Message when header.Program == KeepaliveProcedures.Program:
                ReceiveKeepAlive(in header);
                break;
            case RpcType.Message:
                ReceiveEvent(in header, ref r);
                break;
            case RpcType.Stream or RpcType.StreamHole:
                ReceiveStream(in header, ref r);
                break;
            default:
                throw LibvirtErrors.BrokenProtocol(Endpoint, $"it sent a message of the type {(int)header.Type}");
        }
    }

    private void ReceiveReply(in RpcHeader header, ref XdrReader r)
    {
        LibvirtPendingCall? call;
        lock (_gate)
        {
            if (!_pending.Remove(header.Serial, out call))
                throw LibvirtErrors.BrokenProtocol(Endpoint, $"it answered a call that is not under way, serial {header.Serial}");
            if (_waiting.Count > 0)
                SendWaiting();
        }

        try
        {
            if (call.Procedure.Number != header.Procedure || call.Procedure.Program != header.Program)
                throw LibvirtErrors.BrokenProtocol(Endpoint, $"it answered {call.Procedure.Name} with a reply to the procedure {header.Procedure} of the program 0x{header.Program:x8}");
            Collect(call, header.Status switch
            {
                RpcStatus.Ok => ReadResult(call, ref r),
                RpcStatus.Error => ReadError(call.Procedure.Name, ref r),
                _ => throw LibvirtErrors.BrokenProtocol(Endpoint, $"it answered {call.Procedure.Name} with the status {(int)header.Status}"),
            });
        }
        catch (Exception error)
        {
            // The call is out of the table already: it gets the reason here, the others when the loop ends with it.
            var reason = LibvirtErrors.CloseReason(Endpoint, error);
            Collect(call, reason);
            throw reason;
        }
    }

    /// <summary>Decodes the result; what is wrong with it is the call's error, and not the connection's.</summary>
    private HypervisorException? ReadResult(LibvirtPendingCall call, ref XdrReader r)
    {
        try
        {
            call.ReadResult(ref r);
            r.End();
        }
        catch (XdrException why)
        {
            return LibvirtErrors.UnreadableReply(call.Procedure.Name, Endpoint, why);
        }

        if (call.Stream is { } stream)
            Open(stream, call);
        return null;
    }

    private LibvirtException ReadError(string procedure, ref XdrReader r)
    {
        var error = r.One<VirError>();
        r.End();
        return LibvirtErrors.Rejected(in error, Endpoint, procedure);
    }

    /// <summary>Puts a call into the batch, unless its caller has gone away.</summary>
    private void Collect(LibvirtPendingCall call, Exception? error)
    {
        if (!call.TrySettle())
        {
            // Nobody will read the stream that the server has begun.
            if (error is null && call.Stream is { } orphan)
                orphan.SendAbort();
            call.Release();
            return;
        }

        call.Error = error;
        call.Next = null;
        if (_batchLast is null)
            _batchFirst = call;
        else
            _batchLast.Next = call;
        _batchLast = call;
        _batchCount++;
    }

    private Batch TakeBatch()
    {
        var batch = new Batch(_batchFirst, _batchLast, _batchCount);
        _batchFirst = _batchLast = null;
        _batchCount = 0;
        return batch;
    }

    /// <summary>Runs the callers of a batch on this thread, which is free for it: the read loop waits for the socket.</summary>
    private void Deliver(Batch batch)
    {
        if (batch.Count == 1)
        {
            batch.First!.Publish();
            return;
        }

        // One of these callers may block its thread until another one has run, or until what it sends is answered: then the watch has another thread go on.
        Queue(batch);
        _watch.Enter();
        DeliverQueued();
        _watch.Leave();
    }

    private void DeliverElsewhere(Batch batch)
    {
        Queue(batch);
        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    private void Queue(Batch batch)
    {
        lock (_deliveryGate)
        {
            if (_deliveryLast is null)
                _deliveryFirst = batch.First;
            else
                _deliveryLast.Next = batch.First;
            _deliveryLast = batch.Last;
        }
    }

    private void DeliverQueued()
    {
        var outer = t_delivering;
        t_delivering = this;
        while (true)
        {
            LibvirtPendingCall? call;
            lock (_deliveryGate)
            {
                call = _deliveryFirst;
                if (call is null)
                    break;
                _deliveryFirst = call.Next;
                if (_deliveryFirst is null)
                    _deliveryLast = null;
            }

            call.Publish();
        }

        t_delivering = outer;
        FlushDeferred();
    }

    private readonly record struct Batch(LibvirtPendingCall? First, LibvirtPendingCall? Last, int Count);

    /// <summary>Awaits a read that is pending: hands the loop's continuation to the read, then delivers the batch on the thread that has become free by that.</summary>
    private readonly struct ReadThenDeliver(LibvirtSession session, ValueTask<ReadResult> read, Batch batch) : ICriticalNotifyCompletion
    {
        private readonly ConfiguredValueTaskAwaitable<ReadResult>.ConfiguredValueTaskAwaiter _read = read.ConfigureAwait(false).GetAwaiter();

        public bool IsCompleted => false;

        public ReadThenDeliver GetAwaiter() => this;

        public ReadResult GetResult() => _read.GetResult();

        public void OnCompleted(Action continuation) => UnsafeOnCompleted(continuation);

        public void UnsafeOnCompleted(Action continuation)
        {
            // From here on the loop may run on another thread: nothing of it is touched.
            _read.UnsafeOnCompleted(continuation);
            if (batch.Count == 0)
                return;
            session.Deliver(batch);
            // More replies are coming: a server that waits for this core writes them now, and one wake-up takes them all.
            if (session._pending.Count > 1)
                Thread.Yield();
        }
    }
}
