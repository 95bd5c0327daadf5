using System.Text.Json;

namespace Hypervisor.Sdk.Lxd;

/// <summary>A token by which a server trusts a new client: made by the server's administrator (<c>lxc config trust add</c>, <c>incus config trust add</c>), used once.</summary>
public sealed class LxdTrustToken
{
    private const int MaxCharacters = 64 * 1024;

    private LxdTrustToken(LxdCertificateAddToken parts, string text)
    {
        Fingerprint = parts.Fingerprint!;
        Addresses = [.. parts.Addresses ?? []];
        ClientName = parts.ClientName ?? "";
        ExpiresAt = parts.ExpiresAt is { Year: > 1 } at ? at : null;
        Secret = Secret.FromText(text);
    }

    /// <summary>What the token says the server calls the client.</summary>
    public string ClientName { get; }

    /// <summary>The SHA-256 of the server's certificate in hexadecimal: pin it (<see cref="LxdOptions.PinnedSha256"/>), and no consent at first use is needed.</summary>
    public string Fingerprint { get; }

    /// <summary>Where the server listens: <c>10.1.2.3:8443</c>.</summary>
    public IReadOnlyList<string> Addresses { get; }

    /// <summary>Until when it may be used; null for no end.</summary>
    public DateTimeOffset? ExpiresAt { get; }

    /// <summary>The whole token: what <see cref="LxdClient.TrustAsync"/> takes.</summary>
    public Secret Secret { get; }

    /// <summary>The token that an operation has made: its parts are the operation's metadata.</summary>
    internal static LxdTrustToken From(string name, IDictionary<string, JsonElement> parts)
    {
        var token = new LxdCertificateAddToken
        {
            ClientName = name,
            Fingerprint = TextOf("fingerprint"),
            Secret = TextOf("secret"),
            Addresses = parts.TryGetValue("addresses", out var list) && list.ValueKind == JsonValueKind.Array ? [.. list.EnumerateArray().Select(address => address.ToString())] : [],
            ExpiresAt = parts.TryGetValue("expiresAt", out var end) && end.ValueKind == JsonValueKind.String && end.TryGetDateTimeOffset(out var at) ? at : null,
        };
        return Parse(Convert.ToBase64String(JsonSerializer.SerializeToUtf8Bytes(token, LxdJson.Default.LxdCertificateAddToken)));

        string? TextOf(string key) => parts.TryGetValue(key, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
    }

    /// <summary>Reads a token.</summary>
    /// <param name="text">Base64, as the server printed it.</param>
    /// <exception cref="FormatException">It is no token. The message does not repeat it.</exception>
    public static LxdTrustToken Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        try
        {
            if (text.Length <= MaxCharacters && JsonSerializer.Deserialize(Convert.FromBase64String(text.Trim()), LxdJson.Default.LxdCertificateAddToken) is { Fingerprint.Length: 64, Secret.Length: > 0 } parts && parts.Fingerprint.All(char.IsAsciiHexDigit))
                return new LxdTrustToken(parts, text.Trim());
        }
        catch (Exception error) when (error is JsonException or FormatException)
        {
            throw new FormatException("The text is no trust token: base64 of JSON with a fingerprint and a secret.", error);
        }

        throw new FormatException("The text is no trust token: base64 of JSON with a fingerprint and a secret.");
    }
}
