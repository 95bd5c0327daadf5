using System.Buffers.Binary;
using System.Text;

namespace Hypervisor.Sdk.Libvirt.Protocol;

/// <summary>Texts that servers send again and again: names of statistics and parameters. A table of fixed size, where a newer text takes an older one's place.</summary>
internal static class XdrWords
{
    private const int Slots = 2048;
    private const int MaxBytes = 80;

    private static readonly string?[] s_words = new string?[Slots];

    public static string Find(ReadOnlySpan<byte> utf8)
    {
        if (utf8.Length > MaxBytes)
            return Encoding.UTF8.GetString(utf8);
        ref string? slot = ref s_words[(Hash(utf8) >> 32) % Slots];
        string? word = Volatile.Read(ref slot);
        if (word is not null && word.Length == utf8.Length && Ascii.Equals(utf8, word))
            return word;
        word = Encoding.UTF8.GetString(utf8);
        Volatile.Write(ref slot, word);
        return word;
    }

    private static ulong Hash(ReadOnlySpan<byte> bytes)
    {
        const ulong Prime = 0x9E3779B97F4A7C15;
        ulong hash = (ulong)bytes.Length * Prime;
        for (; bytes.Length >= 8; bytes = bytes[8..])
            hash = (ulong.RotateLeft(hash, 29) ^ BinaryPrimitives.ReadUInt64LittleEndian(bytes)) * Prime;
        foreach (byte b in bytes)
            hash = (ulong.RotateLeft(hash, 11) ^ b) * Prime;
        return hash;
    }
}
