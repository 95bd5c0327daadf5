using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Text;

namespace Hypervisor.Sdk.Libvirt.Protocol;

/// <summary>Writes XDR (RFC 4506) into the memory that it was given, and into a rented buffer from where that is too small.</summary>
internal ref struct XdrWriter(Span<byte> memory)
{
    private static readonly UTF8Encoding s_strictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private Span<byte> _memory = memory;
    private byte[]? _rented;
    private int _length;

    /// <summary>What was written.</summary>
    public readonly ReadOnlySpan<byte> Written => _memory[.._length];

    /// <summary>True while everything went into the memory that was given.</summary>
    public readonly bool IsInPlace => _rented is null;

    /// <summary>Hands the rented buffer over to the caller.</summary>
    public byte[] Detach()
    {
        if (_rented is null)
            Grow(0);
        byte[] rented = _rented!;
        _rented = null;
        _memory = default;
        return rented;
    }

    public void Dispose()
    {
        if (_rented is { } rented)
            ArrayPool<byte>.Shared.Return(rented);
        _rented = null;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void I32(int value)
    {
        BinaryPrimitives.WriteInt32BigEndian(Room(4), value);
        _length += 4;
    }

    public void U32(uint value) => I32((int)value);

    public void I64(long value)
    {
        BinaryPrimitives.WriteInt64BigEndian(Room(8), value);
        _length += 8;
    }

    public void U64(ulong value) => I64((long)value);

    public void F64(double value) => I64(BitConverter.DoubleToInt64Bits(value));

    public void I8(sbyte value) => I32(value);

    public void U8(byte value) => I32(value);

    public void U16(ushort value) => I32(value);

    public void Uuid(Guid value)
    {
        value.TryWriteBytes(Room(16), bigEndian: true, out _);
        _length += 16;
    }

    public void Str(string value)
    {
        if (value is null)
            ThrowMissing();
        // The server reads texts up to the first NUL: what stands behind one would be lost without a word.
        if (value.Contains('\0'))
            ThrowNul();
        int bytes = ByteCount(value);
        if (bytes > XdrLimits.MaxStringBytes)
            ThrowCount(bytes, XdrLimits.MaxStringBytes);
        I32(bytes);
        int written = s_strictUtf8.GetBytes(value, Room(bytes + 3));
        Pad(written);
    }

    public void OptionalStr(string? value)
    {
        I32(value is null ? 0 : 1);
        if (value is not null)
            Str(value);
    }

    public void Bytes(byte[]? value, int max)
    {
        int count = Count(value?.Length ?? 0, max);
        I32(count);
        Raw(value);
        _length -= count;
        Pad(count);
    }

    public void Chars(byte[]? values, int max)
    {
        I32(Count(values?.Length ?? 0, max));
        FixedChars(values ?? [], values?.Length ?? 0);
    }

    public void FixedChars(byte[]? values, int count)
    {
        if ((values?.Length ?? 0) != count)
            ThrowCount(values?.Length ?? 0, count);
        foreach (byte value in values ?? [])
            I32((sbyte)value);
    }

    public void I32s(int[]? values, int max)
    {
        I32(Count(values?.Length ?? 0, max));
        foreach (int value in values ?? [])
            I32(value);
    }

    public void U32s(uint[]? values, int max)
    {
        I32(Count(values?.Length ?? 0, max));
        foreach (uint value in values ?? [])
            U32(value);
    }

    public void U64s(ulong[]? values, int max)
    {
        I32(Count(values?.Length ?? 0, max));
        foreach (ulong value in values ?? [])
            U64(value);
    }

    public void Strs(string[]? values, int max)
    {
        I32(Count(values?.Length ?? 0, max));
        foreach (string value in values ?? [])
            Str(value);
    }

    public void One<T>(T value)
        where T : IXdr<T> => value.Write(ref this);

    public void Optional<T>(T? value)
        where T : struct, IXdr<T>
    {
        I32(value is null ? 0 : 1);
        value?.Write(ref this);
    }

    public void Many<T>(T[]? values, int max)
        where T : IXdr<T>
    {
        I32(Count(values?.Length ?? 0, max));
        foreach (var value in values ?? [])
            value.Write(ref this);
    }

    /// <summary>Bytes as they are.</summary>
    public void Raw(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(Room(bytes.Length + 3));
        _length += bytes.Length;
    }

    /// <summary>Writes the length of all that was written, itself included, into its first four bytes.</summary>
    public readonly void PatchLength() => BinaryPrimitives.WriteInt32BigEndian(_memory, _length);

    private static int ByteCount(string value)
    {
        try
        {
            return s_strictUtf8.GetByteCount(value);
        }
        catch (EncoderFallbackException error)
        {
            throw new ArgumentException("A text holds half a surrogate pair, which has no form in UTF-8.", error);
        }
    }

    private static int Count(int count, int max)
    {
        if (count > max)
            ThrowCount(count, max);
        return count;
    }

    /// <summary>Fills up to a multiple of four; room for it was made.</summary>
    private void Pad(int bytes)
    {
        int padding = -bytes & 3;
        _memory.Slice(_length + bytes, padding).Clear();
        _length += bytes + padding;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Span<byte> Room(int bytes)
    {
        if (_memory.Length - _length < bytes)
            Grow(bytes);
        return _memory[_length..];
    }

    private void Grow(int bytes)
    {
        long needed = (long)_length + bytes;
        if (needed > XdrLimits.MaxMessageBytes)
            throw new ArgumentException($"The message would be longer than the {XdrLimits.MaxMessageBytes} bytes that libvirt takes.");
        byte[] larger = ArrayPool<byte>.Shared.Rent((int)Math.Min(Math.Max(needed, 2L * _memory.Length), XdrLimits.MaxMessageBytes));
        _memory[.._length].CopyTo(larger);
        Dispose();
        _rented = larger;
        _memory = larger;
    }

    [DoesNotReturn]
    private static void ThrowMissing() => throw new ArgumentException("A text is missing where the procedure needs one: a null, or a default value of an object.");

    [DoesNotReturn]
    private static void ThrowNul() => throw new ArgumentException("A text holds a NUL character, which libvirt would take for its end.");

    [DoesNotReturn]
    private static void ThrowCount(int count, int max) => throw new ArgumentException($"{count} items or bytes where libvirt takes {max}.");
}
