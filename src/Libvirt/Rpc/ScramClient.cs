using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Hypervisor.Sdk.Libvirt.Rpc;

/// <summary>The client's side of SCRAM-SHA-256 without channel binding (RFC 5802, RFC 7677): three messages out, two in.</summary>
internal sealed class ScramClient
{
    public const string Mechanism = "SCRAM-SHA-256";

    /// <summary>Fewer rounds are what a server would ask for that wants to guess the password (RFC 7677, 4).</summary>
    private const int LeastIterations = 4096;

    /// <summary>So many take seconds: a server that asks for more wants to keep this side busy.</summary>
    private const int MostIterations = 10_000_000;

    private const int NonceBytes = 24;
    private const int MaxMessageBytes = 4096;
    private const string NoBinding = "n,,";

    private readonly string _clientFirst;
    private readonly string _nonce;
    private byte[]? _serverSignature;

    /// <param name="user">The user.</param>
    /// <param name="nonce">What no other exchange has; null for random.</param>
    public ScramClient(string user, string? nonce = null)
    {
        _nonce = nonce ?? Convert.ToBase64String(RandomNumberGenerator.GetBytes(NonceBytes));
        _clientFirst = $"n={Prepare(user).Replace("=", "=3D", StringComparison.Ordinal).Replace(",", "=2C", StringComparison.Ordinal)},r={_nonce}";
    }

    /// <summary>Whether the server has proved that it knows the password.</summary>
    public bool IsVerified { get; private set; }

    /// <summary>The first message.</summary>
    public byte[] First() => Encoding.UTF8.GetBytes(NoBinding + _clientFirst);

    /// <summary>Answers the server's first message with the proof.</summary>
    /// <exception cref="FormatException">It is not one, or asks for too little or too much work.</exception>
    public byte[] Final(ReadOnlySpan<byte> serverFirst, Secret password)
    {
        string first = Text(serverFirst);
        string[] fields = first.Split(',');
        if (fields.Length < 3 || !fields[0].StartsWith("r=", StringComparison.Ordinal) || !fields[1].StartsWith("s=", StringComparison.Ordinal) || !fields[2].StartsWith("i=", StringComparison.Ordinal))
            throw new FormatException("its first message has no nonce, salt and number of iterations");
        string nonce = fields[0][2..];
        if (!nonce.StartsWith(_nonce, StringComparison.Ordinal) || nonce.Length == _nonce.Length)
            throw new FormatException("its nonce does not go on from this side's");
        if (!int.TryParse(fields[2].AsSpan(2), NumberStyles.None, CultureInfo.InvariantCulture, out int iterations) || iterations is < LeastIterations or > MostIterations)
            throw new FormatException($"it asks for '{fields[2][2..Math.Min(fields[2].Length, 32)]}' iterations, and {LeastIterations} to {MostIterations} are sound");
        byte[] salt = Base64Of(fields[1][2..]);

        string withoutProof = $"c={Convert.ToBase64String(Encoding.UTF8.GetBytes(NoBinding))},r={nonce}";
        byte[] all = Encoding.UTF8.GetBytes($"{_clientFirst},{first},{withoutProof}");
        byte[] prepared = Encoding.UTF8.GetBytes(Prepare(password.RevealText()));
        byte[] salted = Rfc2898DeriveBytes.Pbkdf2(prepared, salt, iterations, HashAlgorithmName.SHA256, SHA256.HashSizeInBytes);
        byte[] clientKey = HMACSHA256.HashData(salted, "Client Key"u8);
        byte[] proof = HMACSHA256.HashData(SHA256.HashData(clientKey), all);
        for (int i = 0; i < proof.Length; i++)
            proof[i] ^= clientKey[i];
        _serverSignature = HMACSHA256.HashData(HMACSHA256.HashData(salted, "Server Key"u8), all);
        CryptographicOperations.ZeroMemory(prepared);
        CryptographicOperations.ZeroMemory(salted);
        CryptographicOperations.ZeroMemory(clientKey);
        return Encoding.UTF8.GetBytes($"{withoutProof},p={Convert.ToBase64String(proof)}");
    }

    /// <summary>Looks whether the server knows the password.</summary>
    /// <exception cref="FormatException">It does not.</exception>
    public void Verify(ReadOnlySpan<byte> serverFinal)
    {
        string[] fields = Text(serverFinal).Split(',');
        if (_serverSignature is null || !fields[0].StartsWith("v=", StringComparison.Ordinal) || !CryptographicOperations.FixedTimeEquals(Base64Of(fields[0][2..]), _serverSignature))
            throw new FormatException("it does not prove that it knows the password");
        IsVerified = true;
    }

    /// <summary>Different ways of writing one text become one; the rest of SASLprep (RFC 4013) is for the administrator.</summary>
    private static string Prepare(string text) => text.Normalize(NormalizationForm.FormKC);

    private static string Text(ReadOnlySpan<byte> message)
    {
        if (message.Length > MaxMessageBytes || !System.Text.Unicode.Utf8.IsValid(message))
            throw new FormatException("one of its messages is too long or no text");
        return Encoding.UTF8.GetString(message);
    }

    private static byte[] Base64Of(string text)
    {
        byte[] bytes = new byte[text.Length];
        return Convert.TryFromBase64String(text, bytes, out int count) ? bytes[..count] : throw new FormatException("a field of one of its messages is not base64");
    }
}
