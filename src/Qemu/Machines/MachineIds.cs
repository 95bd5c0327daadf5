using System.Buffers;
using System.Security.Cryptography;

namespace Hypervisor.Sdk.Qemu.Machines;

/// <summary>
/// The ids of machines: <c>vm-</c> and 13 characters made from the request that creates them. So two creates of one request are creates of one machine, wherever they run, and the lock of that machine decides.
/// </summary>
internal static class MachineIds
{
    private const string Alphabet = "abcdefghijklmnopqrstuvwxyz234567";
    private const int Characters = 13;
    private static readonly SearchValues<char> s_characters = SearchValues.Create(Alphabet);

    /// <summary>As long as an id can be.</summary>
    public const string Longest = "vm-0123456789abc";

    public static string Of(RequestId request)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(request.ToGuid().ToByteArray(bigEndian: true), hash);
        ulong bits = BitConverter.ToUInt64(hash);
        Span<char> text = stackalloc char[3 + Characters];
        "vm-".CopyTo(text);
        for (int i = 3; i < text.Length; i++, bits >>= 5)
            text[i] = Alphabet[(int)(bits & 31)];
        return text.ToString();
    }

    /// <summary>Whether a text can be an id: what comes from callers becomes a path.</summary>
    public static bool IsValid(string id) => id.Length == 3 + Characters && id.StartsWith("vm-", StringComparison.Ordinal) && !id.AsSpan(3).ContainsAnyExcept(s_characters);
}
