using Hypervisor.Sdk.Libvirt.Protocol;

namespace Hypervisor.Sdk.Libvirt.Rpc;

/// <content>
/// Streams: each has the serial of the call that begins it, until the server has confirmed its end. What the server sends may overtake its answer to that call: another of its threads sends it.
/// </content>
internal sealed partial class LibvirtSession
{
    private const int MaxEndedStreams = 256;

    /// <summary>How much of a stream may come before the answer to its call; nobody can read it yet, so nothing stops the server.</summary>
    private const int MaxEarlyBytes = 4 << 20;

    // Streams whose end has come, the latest ones. Of the read loop alone.
    private readonly Queue<uint> _endedStreams = new();

    /// <summary>The call that begins a stream was answered well.</summary>
    private void Open(LibvirtStream stream, LibvirtPendingCall call)
    {
        if (_endedStreams.Contains(call.Serial))
            return;
        Register(stream, call);
        if (stream.IsFull)
            _full = stream;
    }

    private void Register(LibvirtStream stream, LibvirtPendingCall call)
    {
        HypervisorException? reason;
        lock (_gate)
        {
            reason = _closeReason;
            if (reason is null && _streams.TryAdd(call.Serial, stream))
                stream.Begin(call.Procedure, call.Serial);
        }

        if (reason is not null)
            stream.End(reason);
    }

    private void ReceiveStream(in RpcHeader header, ref XdrReader r)
    {
        LibvirtStream? stream;
        LibvirtPendingCall? call;
        lock (_gate)
        {
            _streams.TryGetValue(header.Serial, out stream);
            _pending.TryGetValue(header.Serial, out call);
        }

        // What this side has sent before it heard of an error, the end of the stream for one, may be answered once more; and the daemon may say that a stream was hung up after it has confirmed its end.
        if (stream is null && _endedStreams.Contains(header.Serial))
            return;
        if (stream is null && call?.Stream is { } early)
            Register(stream = early, call);
        if (stream is null || stream.Procedure.Number != header.Procedure || stream.Procedure.Program != header.Program)
            throw LibvirtErrors.BrokenProtocol(Endpoint, $"it sent data of a stream that is not open, serial {header.Serial} of the procedure {header.Procedure}");
        if (call is not null && stream.KeptBytes > MaxEarlyBytes)
            throw LibvirtErrors.BrokenProtocol(Endpoint, $"it sent {stream.KeptBytes} bytes of a stream before its answer to {call.Procedure.Name}");
        switch (header.Type, header.Status)
        {
            case (RpcType.Stream, RpcStatus.Continue):
                if (stream.Receive(r.Rest()) && call is null)
                    _full = stream;
                break;
            case (RpcType.StreamHole, RpcStatus.Continue):
                long length = r.I64();
                r.U32();
                r.End();
                if (length < 0)
                    throw LibvirtErrors.BrokenProtocol(Endpoint, $"it sent a hole of {length} bytes");
                stream.ReceiveHole(length);
                break;
            case (RpcType.Stream, RpcStatus.Ok):
                r.End();
                Forget(header.Serial);
                stream.End(null);
                break;
            case (_, RpcStatus.Error):
                Forget(header.Serial);
                stream.End(ReadError(stream.Procedure.Name, ref r));
                break;
            default:
                throw LibvirtErrors.BrokenProtocol(Endpoint, $"it sent the status {(int)header.Status} on a stream");
        }
    }

    private void Forget(uint serial)
    {
        lock (_gate)
            _streams.Remove(serial);
        if (_endedStreams.Count == MaxEndedStreams)
            _endedStreams.Dequeue();
        _endedStreams.Enqueue(serial);
    }
}
