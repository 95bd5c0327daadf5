using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace Hypervisor.Sdk.ReferenceHost;

/// <summary>The one-time token that a browser signs in with. A new one replaces the one before; the file is for whoever may read the state directory.</summary>
internal sealed class SignInToken(StateDirectory state, TimeProvider time)
{
    public static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(15);

    private const int TokenBytes = 32;
    private const int MaxChars = 128;

    private readonly Lock _gate = new();
    private byte[]? _digest;
    private DateTimeOffset _expiresAt;

    public string Issue()
    {
        string token = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(TokenBytes));
        lock (_gate)
        {
            _digest = SHA256.HashData(Encoding.UTF8.GetBytes(token));
            _expiresAt = time.GetUtcNow() + Lifetime;
            StateDirectory.Write(state.SignInToken, Encoding.UTF8.GetBytes(token + "\n"));
        }

        return token;
    }

    /// <summary>Uses the token up. Digests are compared, in a time that does not depend on where they differ.</summary>
    public bool TryRedeem(string token)
    {
        if (token.Length > MaxChars)
            return false;
        byte[] digest = SHA256.HashData(Encoding.UTF8.GetBytes(token));
        lock (_gate)
        {
            if (_digest is null || !CryptographicOperations.FixedTimeEquals(_digest, digest) || time.GetUtcNow() >= _expiresAt)
                return false;
            _digest = null;
            File.Delete(state.SignInToken);
            return true;
        }
    }
}
