using System.Security.Cryptography;
using Microsoft.Extensions.Primitives;

namespace Hypervisor.Sdk.AspNetCore;

/// <summary>The header Content-Digest (RFC 9530): <c>sha-256=:BASE64:</c>, among other algorithms, which are not checked.</summary>
internal static class ContentDigest
{
    private const string Prefix = "sha-256=:";

    public static ReadOnlyMemory<byte>? Read(StringValues header)
    {
        foreach (string part in header.ToString().Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            if (!part.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase))
                continue;
            byte[] digest = new byte[SHA256.HashSizeInBytes];
            if (part.EndsWith(':') && Convert.TryFromBase64Chars(part.AsSpan(Prefix.Length, part.Length - Prefix.Length - 1), digest, out int length) && length == digest.Length)
                return digest;
            throw RequestRefusedException.Field("Content-Digest", $"The header Content-Digest says '{Echo.Short(part)}' and not sha-256=:BASE64: with 32 bytes.");
        }

        return null;
    }
}
