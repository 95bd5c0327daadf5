using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using Hypervisor.Sdk.Transport;

namespace Hypervisor.Sdk.Remote.Wire;

/// <content>What the other end sends, and what of it is a breach of the protocol.</content>
internal sealed partial class Peer
{
    private async Task ReadAsync()
    {
        PeerLostException lost;
        try
        {
            var frames = FrameReader.Lengths(_connection.Input, WireProtocol.Format);
            while (await frames.WaitAsync().ConfigureAwait(false))
            {
                while (frames.TryRead(out var frame))
                    Take(frame);
            }

            lost = new PeerLostException($"{_connection.Endpoint} has ended the connection.", null, isBroken: false);
        }
        catch (Exception error) when (error is FramingException or WireException)
        {
            lost = new PeerLostException($"{_connection.Endpoint} does not keep to the protocol: {error.Message}", error, isBroken: true);
        }
        catch (Exception error)
        {
            lost = new PeerLostException(error.Message, error, isBroken: false);
        }

        Lose(lost);
        EndWork();
    }

    private void Take(in ReadOnlySequence<byte> frame)
    {
        Span<byte> header = stackalloc byte[WireProtocol.HeaderBytes];
        frame.Slice(0, WireProtocol.HeaderBytes).CopyTo(header);
        var kind = (FrameKind)header[0];
        ulong id = BinaryPrimitives.ReadUInt64BigEndian(header[1..]);
        var payload = frame.Slice(WireProtocol.HeaderBytes);
        if (kind is FrameKind.Call or FrameKind.Open)
            TakeCall(id, kind == FrameKind.Open, payload);
        else if ((id & 1) == (_nextCall & 1))
            TakeOfOwn(kind, id, payload);
        else
            TakeOfServed(kind, id, payload);
    }

    private void TakeCall(ulong id, bool isOpen, in ReadOnlySequence<byte> payload)
    {
        if ((id & 1) == (_nextCall & 1) || id <= _lastServed)
            throw new WireException($"A call has the number {id}, which is not the next one.");
        if (_served.Count >= WireProtocol.MaxCalls)
            throw new WireException($"More than {WireProtocol.MaxCalls} calls are under way.");
        _lastServed = id;
        var exchange = ReadCall(id, isOpen, payload);
        _served[id] = exchange;
        Interlocked.Increment(ref _working);
        _ = Task.Run(() => ServeAsync(exchange));
    }

    private Exchange ReadCall(ulong id, bool isOpen, in ReadOnlySequence<byte> payload)
    {
        byte[] bytes = payload.ToArray();
        if (bytes.Length == 0 || bytes.Length < 1 + bytes[0])
            throw new WireException("A call has no name.");
        string name = Encoding.UTF8.GetString(bytes, 1, bytes[0]);
        return new Exchange(this, name, isOpen, bytes.AsMemory(1 + bytes[0])) { Id = id };
    }

    private void TakeOfOwn(FrameKind kind, ulong id, in ReadOnlySequence<byte> payload)
    {
        // Who was called says nothing any more once it has ended the call.
        if (!_calls.TryGetValue(id, out var call))
            throw new WireException($"A frame is about the call {id}, which is none.");
        switch (kind)
        {
            case FrameKind.Result:
                call.Answer(payload.ToArray());
                if (!call.IsOpen)
                    Forget(call, null);
                break;
            case FrameKind.Error:
                call.Fail(new WireErrorException(payload.ToArray()));
                Forget(call, null);
                break;
            case FrameKind.End:
                call.End(payload.ToArray());
                Forget(call, null);
                break;
            case FrameKind.Data when call.IsOpen:
                call.Inbox.Put(payload.ToArray());
                break;
            case FrameKind.Credit when call.IsOpen:
                call.Window.Return(ReadCredit(payload));
                break;
            default:
                throw new WireException($"A frame of the kind {(byte)kind} is about the call '{call.Name}', where there is none.");
        }
    }

    private void TakeOfServed(FrameKind kind, ulong id, in ReadOnlySequence<byte> payload)
    {
        if (!_served.TryGetValue(id, out var served))
        {
            // It has ended, and the other end did not know yet.
            if (kind is FrameKind.Data or FrameKind.End or FrameKind.Credit or FrameKind.Cancel && id <= _lastServed)
                return;
            throw new WireException($"A frame of the kind {(byte)kind} is about the call {id}, which is none.");
        }

        switch (kind)
        {
            case FrameKind.Cancel:
                served.Inbox.End();
                served.Cancelled();
                break;
            case FrameKind.Data when served.IsOpen:
                // What was on its way when it was cancelled is nobody's.
                if (!served.Token.IsCancellationRequested)
                    served.Inbox.Put(payload.ToArray());
                break;
            case FrameKind.End when served.IsOpen:
                served.Inbox.End();
                break;
            case FrameKind.Credit when served.IsOpen:
                served.Window.Return(ReadCredit(payload));
                break;
            default:
                throw new WireException($"A frame of the kind {(byte)kind} is about the call '{served.Name}', where there is none.");
        }
    }

    private static uint ReadCredit(in ReadOnlySequence<byte> payload)
    {
        if (payload.Length != sizeof(uint))
            throw new WireException($"Credit has {payload.Length} bytes.");
        Span<byte> bytes = stackalloc byte[sizeof(uint)];
        payload.CopyTo(bytes);
        return BinaryPrimitives.ReadUInt32BigEndian(bytes);
    }

    private async Task ServeAsync(Exchange exchange)
    {
        try
        {
            FrameKind kind;
            ReadOnlyMemory<byte> payload;
            try
            {
                payload = await _serve(exchange).ConfigureAwait(false);
                kind = exchange.IsOpened ? FrameKind.End : FrameKind.Result;
                if (payload.Length > WireProtocol.MaxFrameBytes - WireProtocol.HeaderBytes)
                    throw new HypervisorException($"The call was carried out, and its answer of {payload.Length} bytes is larger than the {WireProtocol.MaxFrameBytes} that go into a message.", ErrorCode.Exhausted, RequestOutcome.FailedMidway);
            }
            catch (Exception error)
            {
                kind = FrameKind.Error;
                payload = _describe(error, exchange.Token.IsCancellationRequested);
            }

            // From here on it is over for this end; the other one numbers no call like it again.
            _served.TryRemove(exchange.Id, out _);
            await SendAsync(kind, exchange.Id, payload, CancellationToken.None).ConfigureAwait(false);
        }
        catch (PeerLostException)
        {
            // Nobody is there to be told.
        }
        finally
        {
            _served.TryRemove(exchange.Id, out _);
            EndWork();
        }
    }

    private void EndWork()
    {
        if (Interlocked.Decrement(ref _working) == 0)
            _allServed.TrySetResult();
    }
}
