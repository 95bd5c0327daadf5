using Hypervisor.Sdk.Libvirt.Protocol;

namespace Hypervisor.Sdk.Libvirt.Rpc;

/// <content>Keepalive, both ways (virkeepaliveprotocol.x).</content>
internal sealed partial class LibvirtSession
{
    private bool _heard;
    private bool _stalled;
    private int _unanswered;

    /// <summary>Begins to ask. The server was told that this client knows the keepalive program.</summary>
    public void StartKeepAlive()
    {
        if (_options.KeepAliveInterval != Timeout.InfiniteTimeSpan)
            _keepAlive.Change(_options.KeepAliveInterval, _options.KeepAliveInterval);
    }

    /// <summary>An interval is over: asks when nothing was heard in it, and gives up when too many questions stand without an answer.</summary>
    private void KeepAlive()
    {
        // While this side does not read, it cannot hear either.
        if (Interlocked.Exchange(ref _heard, false) || Volatile.Read(ref _stalled))
        {
            _unanswered = 0;
            return;
        }

        if (_unanswered >= _options.KeepAliveCount)
        {
            Close(LibvirtErrors.KeepAliveFailed(Endpoint, _unanswered, _options.KeepAliveInterval));
            return;
        }

        _unanswered++;
        SendKeepAlive(KeepaliveProcedures.Ping);
    }

    private void ReceiveKeepAlive(in RpcHeader header)
    {
        // A pong has done its work by having been heard.
        if (header.Procedure == KeepaliveProcedures.Ping.Number)
            SendKeepAlive(KeepaliveProcedures.Pong);
        else if (header.Procedure != KeepaliveProcedures.Pong.Number)
            throw LibvirtErrors.BrokenProtocol(Endpoint, $"it sent the procedure {header.Procedure} of the keepalive program, which does not exist");
    }

    private void SendKeepAlive(LibvirtProcedure procedure) => Send(new RpcHeader(procedure.Program, KeepaliveProcedures.Version, procedure.Number, RpcType.Message, 0, RpcStatus.Ok), default);
}
