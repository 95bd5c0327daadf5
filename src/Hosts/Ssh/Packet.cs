using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Hypervisor.Sdk.Hosts;

/// <summary>A packet that is written as ssh's protocols have them (RFC 4251, 5).</summary>
internal sealed class Packet
{
    private readonly ArrayBufferWriter<byte> _bytes = new();

    public Packet() => Number(0);

    public Packet Byte(byte value)
    {
        _bytes.GetSpan(1)[0] = value;
        _bytes.Advance(1);
        return this;
    }

    public Packet Number(uint value)
    {
        BinaryPrimitives.WriteUInt32BigEndian(_bytes.GetSpan(4), value);
        _bytes.Advance(4);
        return this;
    }

    public Packet Long(ulong value)
    {
        BinaryPrimitives.WriteUInt64BigEndian(_bytes.GetSpan(8), value);
        _bytes.Advance(8);
        return this;
    }

    public Packet Text(string text) => Bytes(Encoding.UTF8.GetBytes(text));

    public Packet Bytes(ReadOnlySpan<byte> bytes)
    {
        Number((uint)bytes.Length);
        _bytes.Write(bytes);
        return this;
    }

    /// <summary>The packet with its length before it.</summary>
    public ReadOnlyMemory<byte> WithLength()
    {
        byte[] packet = _bytes.WrittenSpan.ToArray();
        BinaryPrimitives.WriteUInt32BigEndian(packet, (uint)(packet.Length - 4));
        return packet;
    }
}
