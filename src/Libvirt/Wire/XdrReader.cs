using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Text;

namespace Hypervisor.Sdk.Libvirt.Protocol;

/// <summary>
/// Reads XDR (RFC 4506) from one message. Counts and lengths are checked against their limit and against what is left before anything is made for them; what is returned is the caller's own.
/// </summary>
internal ref partial struct XdrReader(ReadOnlySpan<byte> bytes)
{
    private readonly ReadOnlySpan<byte> _bytes = bytes;
    private int _at;

    public readonly int Remaining => _bytes.Length - _at;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int I32()
    {
        if (Remaining < 4)
            ThrowShort(4);
        int value = BinaryPrimitives.ReadInt32BigEndian(_bytes[_at..]);
        _at += 4;
        return value;
    }

    public uint U32() => (uint)I32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public long I64()
    {
        if (Remaining < 8)
            ThrowShort(8);
        long value = BinaryPrimitives.ReadInt64BigEndian(_bytes[_at..]);
        _at += 8;
        return value;
    }

    public ulong U64() => (ulong)I64();

    public double F64() => BitConverter.Int64BitsToDouble(I64());

    public sbyte I8()
    {
        int value = I32();
        if (value is < sbyte.MinValue or > sbyte.MaxValue)
            ThrowRange(value, "a signed number of one byte");
        return (sbyte)value;
    }

    public byte U8()
    {
        int value = I32();
        if (value is < 0 or > byte.MaxValue)
            ThrowRange(value, "a number of one byte");
        return (byte)value;
    }

    public ushort U16()
    {
        int value = I32();
        if (value is < 0 or > ushort.MaxValue)
            ThrowRange(value, "a number of two bytes");
        return (ushort)value;
    }

    public Guid Uuid()
    {
        if (Remaining < 16)
            ThrowShort(16);
        var value = new Guid(_bytes.Slice(_at, 16), bigEndian: true);
        _at += 16;
        return value;
    }

    /// <summary>A text; bytes that are not UTF-8 become U+FFFD.</summary>
    public string Str() => Encoding.UTF8.GetString(Opaque(XdrLimits.MaxStringBytes));

    public string? OptionalStr() => Present() ? Str() : null;

    /// <summary>A text that comes again and again, such as the name of a statistic: one that was seen before is not made again.</summary>
    public string Word()
    {
        var utf8 = Opaque(XdrLimits.MaxStringBytes);
        return XdrWords.Find(utf8);
    }

    public byte[] Bytes(int max) => Opaque(max).ToArray();

    /// <summary>What the protocol files call char name&lt;max&gt;: a count, and four bytes for each.</summary>
    public byte[] Chars(int max) => FixedChars(Count(max, 4));

    public byte[] FixedChars(int count)
    {
        if (Remaining < 4L * count)
            ThrowShort(4L * count);
        var values = new byte[count];
        for (int i = 0; i < count; i++)
        {
            int value = I32();
            // Senders differ in whether a char has a sign.
            if (value is < sbyte.MinValue or > byte.MaxValue)
                ThrowRange(value, "a char");
            values[i] = (byte)value;
        }

        return values;
    }

    public int[] I32s(int max)
    {
        var values = new int[Count(max, 4)];
        for (int i = 0; i < values.Length; i++)
            values[i] = I32();
        return values;
    }

    public uint[] U32s(int max)
    {
        var values = new uint[Count(max, 4)];
        for (int i = 0; i < values.Length; i++)
            values[i] = U32();
        return values;
    }

    public ulong[] U64s(int max)
    {
        var values = new ulong[Count(max, 8)];
        for (int i = 0; i < values.Length; i++)
            values[i] = U64();
        return values;
    }

    public string[] Strs(int max)
    {
        var values = new string[Count(max, 4)];
        for (int i = 0; i < values.Length; i++)
            values[i] = Str();
        return values;
    }

    public T One<T>()
        where T : IXdr<T> => T.Read(ref this);

    public T? Optional<T>()
        where T : struct, IXdr<T> => Present() ? T.Read(ref this) : null;

    public T[] Many<T>(int max)
        where T : IXdr<T>
    {
        var values = new T[Count(max, T.MinBytes)];
        for (int i = 0; i < values.Length; i++)
            values[i] = T.Read(ref this);
        return values;
    }

    /// <summary>The bytes that are left, borrowed.</summary>
    public ReadOnlySpan<byte> Rest()
    {
        var rest = _bytes[_at..];
        _at = _bytes.Length;
        return rest;
    }

    /// <summary>Throws when something is left.</summary>
    public readonly void End()
    {
        if (Remaining > 0)
            ThrowRest();
    }

    /// <summary>The count of a list, of which each item takes <paramref name="itemBytes"/> or more.</summary>
    public int Count(int max, int itemBytes)
    {
        uint count = U32();
        if (count > (uint)max)
            ThrowCount(count, max);
        if (count * (long)itemBytes > Remaining)
            ThrowShort(count * (long)itemBytes);
        return (int)count;
    }

    /// <summary>A length, that many bytes, and what fills them up to a multiple of four; borrowed.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ReadOnlySpan<byte> Opaque(int max)
    {
        uint length = U32();
        if (length > (uint)max)
            ThrowCount(length, max);
        // In 64 bits: a length near the end of 32 would wrap with its padding.
        long padded = ((long)length + 3) & ~3L;
        if (padded > Remaining)
            ThrowShort(padded);
        var value = _bytes.Slice(_at, (int)length);
        _at += (int)padded;
        return value;
    }

    private bool Present()
    {
        uint there = U32();
        if (there > 1)
            ThrowRange((int)there, "a yes or no");
        return there != 0;
    }

    [DoesNotReturn]
    private readonly void ThrowShort(long needed) => throw new XdrException($"{needed} bytes are needed at {_at}, and {Remaining} are left");

    [DoesNotReturn]
    private static void ThrowCount(uint count, int max) => throw new XdrException($"a length of {count}, where {max} are allowed");

    [DoesNotReturn]
    private static void ThrowRange(int value, string what) => throw new XdrException($"{value} is not {what}");

    [DoesNotReturn]
    private readonly void ThrowRest() => throw new XdrException($"{Remaining} bytes more than the message has");
}
