using System.Buffers.Binary;
using System.Text;

namespace Hypervisor.Sdk.Hosts;

/// <summary>Reads a packet of ssh's protocols (RFC 4251, 5). What is cut short is an <see cref="IOException"/>.</summary>
internal sealed class PacketReader(ReadOnlyMemory<byte> bytes)
{
    private ReadOnlyMemory<byte> _rest = bytes;

    public bool IsAtEnd => _rest.IsEmpty;

    public byte Byte() => Take(1).Span[0];

    public uint Number() => BinaryPrimitives.ReadUInt32BigEndian(Take(4).Span);

    public ulong Long() => BinaryPrimitives.ReadUInt64BigEndian(Take(8).Span);

    public ReadOnlyMemory<byte> Bytes() => Take(Number());

    public string Text() => Encoding.UTF8.GetString(Bytes().Span);

    private ReadOnlyMemory<byte> Take(uint count)
    {
        if (count > _rest.Length)
            throw new IOException($"A packet is cut short: it says {count} bytes and has {_rest.Length}.");
        var taken = _rest[..(int)count];
        _rest = _rest[(int)count..];
        return taken;
    }
}
