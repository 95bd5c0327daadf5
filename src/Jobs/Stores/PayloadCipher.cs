using System.Security.Cryptography;
using System.Text;

namespace Hypervisor.Sdk.Jobs.Stores;

/// <summary>Arguments and results as they are at rest: AES-256-GCM (NIST SP 800-38D) under a random nonce, bound to what they belong to, so that the text of one row is of no use in another.</summary>
internal sealed class PayloadCipher(IJobKeys keys)
{
    private const string Mark = "hvsdk1:";
    private const int NonceBytes = 12;
    private const int TagBytes = 16;
    private const int KeyBytes = 32;

    public string Encrypt(string json, string owner)
    {
        string id = keys.CurrentId;
        if (!keys.TryGet(id, out var key))
            throw new HypervisorException($"The key '{id}', by which arguments of jobs are encrypted, is not there. Nothing was kept.", ErrorCode.Unavailable, RequestOutcome.NotSent);
        byte[] text = Encoding.UTF8.GetBytes(json);
        byte[] sealedText = new byte[NonceBytes + TagBytes + text.Length];
        RandomNumberGenerator.Fill(sealedText.AsSpan(0, NonceBytes));
        using (var aes = Cipher(id, key))
            aes.Encrypt(sealedText.AsSpan(0, NonceBytes), text, sealedText.AsSpan(NonceBytes + TagBytes), sealedText.AsSpan(NonceBytes, TagBytes), Encoding.UTF8.GetBytes(owner));
        return $"{Mark}{id}:{Convert.ToBase64String(sealedText)}";
    }

    /// <summary>What was encrypted; what was written before there was a key, as it is. Null where the key is not here or the text is not what was written.</summary>
    public string? TryDecrypt(string stored, string owner)
    {
        if (!stored.StartsWith(Mark, StringComparison.Ordinal))
            return stored;
        int colon = stored.IndexOf(':', Mark.Length);
        string id = colon < 0 ? "" : stored[Mark.Length..colon];
        if (colon < 0 || !keys.TryGet(id, out var key))
            return null;
        byte[] sealedText = new byte[((stored.Length - colon) * 3 / 4) + 3];
        if (!Convert.TryFromBase64Chars(stored.AsSpan(colon + 1), sealedText, out int length) || length < NonceBytes + TagBytes)
            return null;
        byte[] text = new byte[length - NonceBytes - TagBytes];
        try
        {
            using var aes = Cipher(id, key);
            aes.Decrypt(sealedText.AsSpan(0, NonceBytes), sealedText.AsSpan(NonceBytes + TagBytes, text.Length), sealedText.AsSpan(NonceBytes, TagBytes), text, Encoding.UTF8.GetBytes(owner));
            return Encoding.UTF8.GetString(text);
        }
        catch (AuthenticationTagMismatchException)
        {
            return null;
        }
    }

    private static AesGcm Cipher(string id, Secret key) => key.Reveal().Length == KeyBytes ? new AesGcm(key.Reveal(), TagBytes)
        : throw new HypervisorException($"The key '{id}' of the jobs has {key.Reveal().Length} bytes; it has {KeyBytes}.", ErrorCode.InvalidArgument, RequestOutcome.NotSent);
}
