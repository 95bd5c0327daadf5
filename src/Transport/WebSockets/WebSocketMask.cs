using System.Numerics;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Hypervisor.Sdk.Transport.WebSockets;

/// <summary>Masking (RFC 6455, 5.3): each frame with a key that nobody can foretell, a vector at a time.</summary>
internal sealed class WebSocketMask
{
    private const int KeysBytes = 1024;

    private readonly byte[] _keys = new byte[KeysBytes];
    private int _used = KeysBytes;

    /// <summary>The next key, four bytes. Asking the system's generator for each would cost more than a short frame.</summary>
    public ReadOnlySpan<byte> NextKey()
    {
        if (_used == KeysBytes)
        {
            RandomNumberGenerator.Fill(_keys);
            _used = 0;
        }

        _used += 4;
        return _keys.AsSpan(_used - 4, 4);
    }

    /// <summary>Copies and masks the bytes that stand at <paramref name="offset"/> of the payload.</summary>
    public static void Apply(ReadOnlySpan<byte> source, Span<byte> target, ReadOnlySpan<byte> key, long offset)
    {
        int first = (int)(offset & 3);
        ReadOnlySpan<byte> turned = [key[first], key[(first + 1) & 3], key[(first + 2) & 3], key[(first + 3) & 3]];
        var mask = Vector.AsVectorByte(new Vector<uint>(MemoryMarshal.Read<uint>(turned)));
        ReadOnlySpan<Vector<byte>> from = MemoryMarshal.Cast<byte, Vector<byte>>(source);
        Span<Vector<byte>> to = MemoryMarshal.Cast<byte, Vector<byte>>(target)[..from.Length];
        for (int i = 0; i < from.Length; i++)
            to[i] = from[i] ^ mask;
        int at = from.Length * Vector<byte>.Count;
        // A vector's size is a multiple of four: the key begins again where it ends.
        for (; at < source.Length; at++)
            target[at] = (byte)(source[at] ^ turned[at & 3]);
    }
}
