using System.Security.Cryptography;

namespace Hypervisor.Sdk.CloudInit;

/// <summary>The hash of passwords that begins with <c>$6$</c>: SHA-512 5,000 times over password and salt, as crypt(5) describes. What <c>/etc/shadow</c> keeps.</summary>
internal static class Sha512Crypt
{
    private const int Rounds = 5000;
    private const int SaltChars = 16;
    private const string Alphabet = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    /// <summary>Hashes with a salt of its own.</summary>
    public static string Hash(ReadOnlySpan<byte> password) => Hash(password, RandomNumberGenerator.GetString(Alphabet, SaltChars));

    /// <summary>Hashes with a given salt.</summary>
    public static string Hash(ReadOnlySpan<byte> password, string salt)
    {
        byte[] saltBytes = System.Text.Encoding.ASCII.GetBytes(salt);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA512);
        Span<byte> mixed = stackalloc byte[64], digest = stackalloc byte[64];

        hash.AppendData(password);
        hash.AppendData(saltBytes);
        hash.AppendData(password);
        hash.GetHashAndReset(mixed);

        hash.AppendData(password);
        hash.AppendData(saltBytes);
        AppendCycled(hash, mixed, password.Length);
        for (int bits = password.Length; bits > 0; bits >>= 1)
            hash.AppendData((bits & 1) != 0 ? mixed : password);
        hash.GetHashAndReset(digest);

        for (int i = 0; i < password.Length; i++)
            hash.AppendData(password);
        hash.GetHashAndReset(mixed);
        byte[] p = Cycle(mixed, password.Length);
        for (int i = 0; i < 16 + digest[0]; i++)
            hash.AppendData(saltBytes);
        hash.GetHashAndReset(mixed);
        byte[] s = Cycle(mixed, saltBytes.Length);

        for (int round = 0; round < Rounds; round++)
        {
            bool isOdd = round % 2 != 0;
            hash.AppendData(isOdd ? p : digest);
            if (round % 3 != 0)
                hash.AppendData(s);
            if (round % 7 != 0)
                hash.AppendData(p);
            hash.AppendData(isOdd ? digest : p);
            hash.GetHashAndReset(digest);
        }

        CryptographicOperations.ZeroMemory(p);
        return $"$6${salt}${Encode(digest)}";
    }

    private static void AppendCycled(IncrementalHash hash, ReadOnlySpan<byte> block, int count)
    {
        for (; count > block.Length; count -= block.Length)
            hash.AppendData(block);
        hash.AppendData(block[..count]);
    }

    private static byte[] Cycle(ReadOnlySpan<byte> block, int count)
    {
        byte[] bytes = new byte[count];
        for (int i = 0; i < count; i++)
            bytes[i] = block[i % block.Length];
        return bytes;
    }

    /// <summary>Six bits a character, of three bytes that lie 21 apart, beginning with another of the three each time.</summary>
    private static string Encode(ReadOnlySpan<byte> digest)
    {
        Span<char> text = stackalloc char[86];
        int at = 0;
        for (int i = 0; i < 21; i++)
        {
            int first = (i % 3) switch { 0 => i, 1 => i + 21, _ => i + 42 };
            int second = (i % 3) switch { 0 => i + 21, 1 => i + 42, _ => i };
            int third = (i % 3) switch { 0 => i + 42, 1 => i, _ => i + 21 };
            int bits = (digest[first] << 16) | (digest[second] << 8) | digest[third];
            for (int c = 0; c < 4; c++, bits >>= 6)
                text[at++] = Alphabet[bits & 63];
        }

        text[at++] = Alphabet[digest[63] & 63];
        text[at] = Alphabet[digest[63] >> 6];
        return new string(text);
    }
}
