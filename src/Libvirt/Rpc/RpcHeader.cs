namespace Hypervisor.Sdk.Libvirt.Protocol;

/// <summary>virNetMessageType.</summary>
internal enum RpcType
{
    Call = 0,
    Reply = 1,
    Message = 2,
    Stream = 3,
    CallWithFds = 4,
    ReplyWithFds = 5,
    StreamHole = 6,
}

/// <summary>virNetMessageStatus.</summary>
internal enum RpcStatus
{
    Ok = 0,
    Error = 1,
    Continue = 2,
}

/// <summary>virNetMessageHeader: what every message begins with, behind its length.</summary>
internal readonly record struct RpcHeader(uint Program, uint Version, int Procedure, RpcType Type, uint Serial, RpcStatus Status)
{
    public const int Bytes = 24;

    /// <summary>The length that counts itself, then the header.</summary>
    public const int PrefixBytes = 4 + Bytes;

    public static RpcHeader Read(ref XdrReader r) => new(r.U32(), r.U32(), r.I32(), (RpcType)r.I32(), r.U32(), (RpcStatus)r.I32());

    /// <summary>Writes a length of zero, to be patched, and the header.</summary>
    public void Write(ref XdrWriter w)
    {
        w.I32(0);
        w.U32(Program);
        w.U32(Version);
        w.I32(Procedure);
        w.I32((int)Type);
        w.U32(Serial);
        w.I32((int)Status);
    }
}
