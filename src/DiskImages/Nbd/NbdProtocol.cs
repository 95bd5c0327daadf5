namespace Hypervisor.Sdk.DiskImages;

/// <summary>The numbers of the NBD protocol (github.com/NetworkBlockDevice/nbd, doc/proto.md).</summary>
internal static class NbdProtocol
{
    public const ulong Magic = 0x4e42444d41474943;
    public const ulong OptionMagic = 0x49484156454F5054;
    public const ulong OptionReplyMagic = 0x3e889045565a9;
    public const uint RequestMagic = 0x25609513;
    public const uint StructuredReplyMagic = 0x668e33ef;

    /// <summary>Fixed newstyle, and no padding after the handshake: flags of both sides.</summary>
    public const ushort FixedNewstyleNoZeroes = 3;

    public const uint OptionGo = 7;
    public const uint OptionStructuredReply = 8;
    public const uint OptionSetMetaContext = 10;

    public const uint ReplyAcknowledged = 1;
    public const uint ReplyInfo = 3;
    public const uint ReplyMetaContext = 4;
    public const uint ReplyErrorBit = 1u << 31;
    public const ushort InfoExport = 0;

    public const ushort CommandRead = 0;
    public const ushort CommandDisconnect = 2;
    public const ushort CommandBlockStatus = 7;

    public const ushort ChunkDone = 1;
    public const ushort ChunkNone = 0;
    public const ushort ChunkData = 1;
    public const ushort ChunkHole = 2;
    public const ushort ChunkBlockStatus = 5;
    public const ushort ChunkErrorBit = 1 << 15;

    public const int RequestBytes = 28;
    public const int ChunkHeaderBytes = 20;
    public const int OptionReplyHeaderBytes = 20;

    /// <summary>What a server may send that is not data: names, messages, descriptions of stretches. Ours; QEMU sends at most 64 Ki descriptions of eight bytes.</summary>
    public const int MaxMessageBytes = 1 << 20;

    /// <summary>As much of a server's words as is repeated in a message.</summary>
    public const int MaxWordsBytes = 1024;

    /// <summary>How many replies to one option are read: a server has one for each context that was asked for, and a few that inform.</summary>
    public const int MaxOptionReplies = 64;

    /// <summary>What is asked for in one request. Servers take 32 MiB without being asked ("Block size constraints"); a server reads one while it sends another, so several of less bring more than one of more.</summary>
    public const int PieceBytes = 1 << 20;

    /// <summary>Of base:allocation: reads as zeros.</summary>
    public const uint StateZero = 2;

    /// <summary>Of qemu:dirty-bitmap: was written (QEMU's docs/interop/nbd.txt).</summary>
    public const uint StateDirty = 1;
}
