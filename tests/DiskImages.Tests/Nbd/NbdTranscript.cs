using System.Buffers.Binary;
using System.Text;

namespace Hypervisor.Sdk.DiskImages.Tests;

/// <summary>What an NBD server says, byte by byte (doc/proto.md), true or not.</summary>
internal sealed class NbdTranscript
{
    public const uint Context = 5;

    private readonly MemoryStream _bytes = new();

    public byte[] Bytes => _bytes.ToArray();

    /// <summary>A whole handshake that ends with an export of a size.</summary>
    public static NbdTranscript Agreed(long sizeBytes = 1 << 20) => new NbdTranscript().Greeting()
        .OptionReply(NbdProtocol.OptionStructuredReply, NbdProtocol.ReplyAcknowledged)
        .OptionReply(NbdProtocol.OptionSetMetaContext, NbdProtocol.ReplyMetaContext, [.. Number(Context), .. "base:allocation"u8])
        .OptionReply(NbdProtocol.OptionSetMetaContext, NbdProtocol.ReplyAcknowledged)
        .OptionReply(NbdProtocol.OptionGo, NbdProtocol.ReplyInfo, [0, 0, .. Number((ulong)sizeBytes), 0, 0])
        .OptionReply(NbdProtocol.OptionGo, NbdProtocol.ReplyAcknowledged);

    public NbdTranscript Greeting(ulong magic = NbdProtocol.Magic, ushort flags = NbdProtocol.FixedNewstyleNoZeroes) => Add([.. Number(magic), .. Number(NbdProtocol.OptionMagic), .. Number(flags)]);

    public NbdTranscript OptionReply(uint option, uint type, byte[]? content = null, ulong magic = NbdProtocol.OptionReplyMagic, uint? length = null) =>
        Add([.. Number(magic), .. Number(option), .. Number(type), .. Number(length ?? (uint)(content?.Length ?? 0)), .. content ?? []]);

    public NbdTranscript Chunk(ulong cookie, ushort type, byte[] content, bool isDone = false, uint magic = NbdProtocol.StructuredReplyMagic, uint? length = null) =>
        Add([.. Number(magic), .. Number(isDone ? NbdProtocol.ChunkDone : (ushort)0), .. Number(type), .. Number(cookie), .. Number(length ?? (uint)content.Length), .. content]);

    public NbdTranscript Data(ulong cookie, ulong offset, byte[] content, bool isDone = false) => Chunk(cookie, NbdProtocol.ChunkData, [.. Number(offset), .. content], isDone);

    public NbdTranscript Hole(ulong cookie, ulong offset, uint length, bool isDone = false) => Chunk(cookie, NbdProtocol.ChunkHole, [.. Number(offset), .. Number(length)], isDone);

    public NbdTranscript Status(ulong cookie, (uint Length, uint Flags)[] stretches, bool isDone = false, uint context = Context) =>
        Chunk(cookie, NbdProtocol.ChunkBlockStatus, [.. Number(context), .. stretches.SelectMany(stretch => (byte[])[.. Number(stretch.Length), .. Number(stretch.Flags)])], isDone);

    public NbdTranscript Error(ulong cookie, uint error, string words, bool isDone = true, ushort? length = null)
    {
        byte[] text = Encoding.UTF8.GetBytes(words);
        return Chunk(cookie, NbdProtocol.ChunkErrorBit | 1, [.. Number(error), .. Number(length ?? (ushort)text.Length), .. text], isDone);
    }

    public NbdTranscript Add(byte[] bytes)
    {
        _bytes.Write(bytes);
        return this;
    }

    public static byte[] Number(ushort number)
    {
        byte[] bytes = new byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(bytes, number);
        return bytes;
    }

    public static byte[] Number(uint number)
    {
        byte[] bytes = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, number);
        return bytes;
    }

    public static byte[] Number(ulong number)
    {
        byte[] bytes = new byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, number);
        return bytes;
    }
}
