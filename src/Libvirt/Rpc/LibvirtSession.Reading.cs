using System.Buffers;
using Hypervisor.Sdk.Libvirt.Protocol;
using Hypervisor.Sdk.Transport;
using Hypervisor.Sdk.Transport.Calls;

namespace Hypervisor.Sdk.Libvirt.Rpc;

/// <content>Receiving: replies, events, streams, and who runs the callers.</content>
internal sealed partial class LibvirtSession : IReplySession
{
    /// <summary>The length counts itself; beside it a message has its header, and libvirt's limit.</summary>
    internal static readonly LengthFormat Format = new() { CountsItself = true, MinPayloadBytes = RpcHeader.Bytes, MaxPayloadBytes = XdrLimits.MaxMessageBytes };

    // Of the read loop alone: a stream whose reader is behind.
    private LibvirtStream? _full;

    int IReplySession.CallsUnderWay => _pending.Count;

    private async Task ReadLoopAsync()
    {
        try
        {
            while (true)
            {
                var read = await _replies.ReadAsync(_input);
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
            _replies.DeliverElsewhere();
            Close(LibvirtErrors.CloseReason(Endpoint, error));
        }
    }

    /// <summary>Nothing more is read until the reader of a stream has caught up: that is what stops the server.</summary>
    private async Task CatchUpAsync()
    {
        var full = _full!;
        _full = null;
        _replies.DeliverElsewhere();
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
            // What came of its stream before is of no use.
            if (header.Status == RpcStatus.Error && call.Stream is not null)
                Forget(header.Serial);
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
        catch (VisitorFailedException why)
        {
            return new HypervisorException($"The visitor of the reply to {call.Procedure.Name} has failed: {why.Message}", ErrorCode.Unspecified, RequestOutcome.FailedMidway, why.InnerException);
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

    /// <summary>Puts a call into the batch, unless its caller has gone away: nobody will read the stream that the server has begun then.</summary>
    private void Collect(LibvirtPendingCall call, Exception? error)
    {
        // It may belong to somebody else once its session has let go.
        var stream = call.Stream;
        if (!_replies.TryCollect(call, error) && error is null)
            stream?.SendAbort();
    }
}
