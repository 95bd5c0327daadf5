using System.Buffers;
using System.Globalization;
using System.Text.Json;
using Hypervisor.Sdk.Qemu.Qapi;
using Hypervisor.Sdk.Transport;
using Hypervisor.Sdk.Transport.Calls;

namespace Hypervisor.Sdk.Qemu.Qmp;

/// <content>Receiving: replies, events, and who runs the callers.</content>
internal sealed partial class QmpSession : IReplySession
{
    int IReplySession.CallsUnderWay => _pending.Count;

    private async Task ReadLoopAsync()
    {
        long scannedBytes = 0;
        try
        {
            while (true)
            {
                var read = await _replies.ReadAsync(_input);
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
            _replies.DeliverElsewhere();
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
            _replies.TryCollect(call, error: null);
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
            _replies.TryCollect(call, reason);
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
        _replies.TryCollect(call, error);
    }

    /// <summary>Takes a call out of the table: its id is free, and the loop holds it until it is delivered.</summary>
    private QmpPendingCall? Take(long id)
    {
        lock (_gate)
            return _pending.Remove(id);
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
}
