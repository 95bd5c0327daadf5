using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;

namespace Hypervisor.Sdk.AspNetCore;

/// <summary>
/// Ids that cannot be guessed. Where the backend keeps the task, the id is its token with a signature: a process with the same key can go on from the id alone. Elsewhere it is random and good in this process only.
/// </summary>
internal sealed class OperationIds(Secret? key)
{
    private const int KeyBytes = 32;
    private const int SignatureBytes = 16;
    private const int MaxIdChars = 1024;

    private readonly byte[] _key = KeyFrom(key);

    public string For(OperationToken? token)
    {
        if (token is not { IsDefault: false } kept)
            return "r" + Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(SignatureBytes));
        byte[] text = Encoding.UTF8.GetBytes(kept.ToString());
        return "t" + Base64Url.EncodeToString([.. Sign(text), .. text]);
    }

    public bool TryReadToken(string id, [NotNullWhen(true)] out OperationToken? token)
    {
        token = null;
        if (id.Length is 0 or > MaxIdChars || id[0] != 't' || !Base64Url.IsValid(id.AsSpan(1)))
            return false;
        byte[] bytes = Base64Url.DecodeFromChars(id.AsSpan(1));
        if (bytes.Length <= SignatureBytes || !CryptographicOperations.FixedTimeEquals(Sign(bytes.AsSpan(SignatureBytes)), bytes.AsSpan(0, SignatureBytes)))
            return false;
        if (!OperationToken.TryParse(Encoding.UTF8.GetString(bytes.AsSpan(SignatureBytes)), null, out var parsed))
            return false;
        token = parsed;
        return true;
    }

    private static byte[] KeyFrom(Secret? key)
    {
        if (key is null)
            return RandomNumberGenerator.GetBytes(KeyBytes);
        return key.Reveal().Length >= KeyBytes ? key.Reveal().ToArray() : throw new ArgumentException($"{nameof(HypervisorApiOptions)}.{nameof(HypervisorApiOptions.OperationKey)} has fewer than {KeyBytes} bytes.");
    }

    private byte[] Sign(ReadOnlySpan<byte> text) => HMACSHA256.HashData(_key, text)[..SignatureBytes];
}
