using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Hypervisor.Sdk.Qemu.Qapi;
using Hypervisor.Sdk.Transport;

namespace Hypervisor.Sdk.Qemu.Qmp;

/// <content>Receiving: replies, events, and who runs the callers.</content>
internal sealed partial class QmpSession : IThreadPoolWorkItem
{
    /// <summary>Replies that are collected before they are delivered, at most: as many as arrive in one read of the socket.</summary>
    private const int MaxBatch = 128;

    // Of the read loop alone: the replies of this read, in order.
    private QmpPendingCall? _batchFirst;
    private QmpPendingCall? _batchLast;
    private int _batchCount;

    // Replies on their way to their callers, under their own lock.
    private readonly Lock _deliveryGate = new();
    private QmpPendingCall? _deliveryFirst;
    private QmpPendingCall? _deliveryLast;

    void IThreadPoolWorkItem.Execute() => DeliverQueued();

    private async Task ReadLoopAsync()
    {
        long scannedBytes = 0;
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

                var buffer = read.Buffer;
                while (LineFraming.TryReadLine(ref buffer, _options.MaxMessageBytes, ref scannedBytes, out var line))
                    Receive(line);
                _input.AdvanceTo(buffer.Start, buffer.End);
                if (read.IsCompleted)
                    throw QmpErrors.Closed(Endpoint, buffer.IsEmpty ? "the server closed it" : "the server went away in the middle of a message");
            }
        }
        catch (Exception error)
        {
            if (TakeBatch() is { First: not null } batch)
                DeliverElsewhere(batch);
            Close(QmpErrors.CloseReason(Endpoint, error));
        }
    }

    private void Receive(in ReadOnlySequence<byte> line)
    {
        if (line.IsEmpty)
            return;
        if (line.IsSingleSegment)
        {
            Receive(line.FirstSpan);
            return;
        }

        int length = (int)line.Length;
        byte[] whole = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            line.CopyTo(whole);
            Receive(whole.AsSpan(0, length));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(whole);
        }
    }

    /// <summary>One whole line.</summary>
    internal void Receive(ReadOnlySpan<byte> line)
    {
        // QEMU's usual reply is read in one pass, and taken apart only when that fails.
        QmpPendingCall? call = null;
        if (QmpMessage.TryParseReturn(line, out var value, out long id) && (call = Take(id)) is not null && TryReadResult(call, value))
        {
            Collect(call, error: null);
            return;
        }

        try
        {
            var message = QmpMessage.Parse(line);
            switch (message.Kind)
            {
                case QmpMessageKind.Event:
                    ReceiveEvent(in message);
                    break;
                case QmpMessageKind.Greeting:
                    throw QmpErrors.BrokenProtocol(Endpoint, "it greeted a second time");
                default:
                    ReceiveReply(in message, ref call);
                    break;
            }
        }
        catch (Exception error) when (call is not null)
        {
            var reason = QmpErrors.CloseReason(Endpoint, error);
            Collect(call, reason);
            throw reason;
        }
    }

    private void ReceiveReply(in QmpMessage message, ref QmpPendingCall? call)
    {
        call ??= message.Id is { } id ? Take(id) : null;
        if (call is null || call.Id != message.Id)
        {
            string words = message.Kind == QmpMessageKind.Error ? $" ({QmpErrors.Rejected(message.Value, Endpoint, "something").BackendMessage})" : "";
            throw QmpErrors.BrokenProtocol(Endpoint, $"it answered a call that is not in flight, id {message.Id?.ToString(CultureInfo.InvariantCulture) ?? "missing"}{words}");
        }

        HypervisorException? error = null;
        if (message.Kind == QmpMessageKind.Error)
            error = QmpErrors.Rejected(message.Value, Peer, call.Command!.Name);
        else if (!TryReadResult(call, message.Value))
            error = QmpErrors.UnreadableReply(call.Command!.Name, Endpoint, WhyUnreadable(call, message.Value));
        Collect(call, error);
    }

    /// <summary>Takes a call out of the table: its id is free, and the loop holds it until it is delivered.</summary>
    private QmpPendingCall? Take(long id)
    {
        lock (_gate)
            return _pending.Remove(id);
    }

    /// <summary>Puts a call into the batch, unless its caller has gone away.</summary>
    private void Collect(QmpPendingCall call, Exception? error)
    {
        if (!call.TrySettle())
        {
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

    /// <summary>Decodes the value; false when it is not one whole JSON value of the call's shape.</summary>
    private static bool TryReadResult(QmpPendingCall call, ReadOnlySpan<byte> value)
    {
        try
        {
            ReadWhole(call, value);
            return true;
        }
        catch (Exception error) when (IsUnreadable(error))
        {
            return false;
        }
    }

    private static Exception WhyUnreadable(QmpPendingCall call, ReadOnlySpan<byte> value)
    {
        try
        {
            ReadWhole(call, value);
        }
        catch (Exception error) when (IsUnreadable(error))
        {
            return error;
        }

        throw new InvalidOperationException("A value that could not be read can be read now.");
    }

    private static void ReadWhole(QmpPendingCall call, ReadOnlySpan<byte> value)
    {
        var r = new Utf8JsonReader(value, Wire.ReaderOptions);
        if (!r.Read())
            throw new QapiFormatException("an empty value");
        call.ReadResult(ref r);
        if (r.Read())
            throw new QapiFormatException("more than one value");
    }

    private static bool IsUnreadable(Exception error) => error is JsonException or QapiFormatException or InvalidOperationException or FormatException;

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
            QmpPendingCall? call;
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

    private readonly record struct Batch(QmpPendingCall? First, QmpPendingCall? Last, int Count);

    /// <summary>Awaits a read that is pending: hands the loop's continuation to the read, then delivers the batch on the thread that has become free by that.</summary>
    private readonly struct ReadThenDeliver(QmpSession session, ValueTask<ReadResult> read, Batch batch) : ICriticalNotifyCompletion
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
