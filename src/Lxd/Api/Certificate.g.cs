// Written by eng/generate-lxd from rest-api.yaml of LXD 5.0.2 and Incus 6.0.4.
#nullable enable
using System.CodeDom.Compiler;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Hypervisor.Sdk.Lxd;

/// <summary><c>Certificate</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdCertificate
{
    /// <summary><c>certificate</c>.</summary>
    [JsonPropertyName("certificate")]
    public string? Certificate { get; set; }

    /// <summary><c>fingerprint</c>.</summary>
    [JsonPropertyName("fingerprint")]
    public string? Fingerprint { get; set; }

    /// <summary><c>name</c>.</summary>
    [JsonPropertyName("name")]
    public string? Name { get; set; }

    /// <summary><c>projects</c>.</summary>
    [JsonPropertyName("projects")]
    public IList<string>? Projects { get; set; }

    /// <summary><c>restricted</c>.</summary>
    [JsonPropertyName("restricted")]
    public bool? Restricted { get; set; }

    /// <summary><c>type</c>.</summary>
    [JsonPropertyName("type")]
    public string? Type { get; set; }

    /// <summary><c>description</c>.</summary>
    [JsonPropertyName("description")]
    public string? Description { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>CertificateAddToken</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdCertificateAddToken
{
    /// <summary><c>addresses</c>.</summary>
    [JsonPropertyName("addresses")]
    public IList<string>? Addresses { get; set; }

    /// <summary><c>client_name</c>.</summary>
    [JsonPropertyName("client_name")]
    public string? ClientName { get; set; }

    /// <summary><c>expires_at</c>.</summary>
    [JsonPropertyName("expires_at")]
    public DateTimeOffset? ExpiresAt { get; set; }

    /// <summary><c>fingerprint</c>.</summary>
    [JsonPropertyName("fingerprint")]
    public string? Fingerprint { get; set; }

    /// <summary><c>secret</c>.</summary>
    [JsonPropertyName("secret")]
    public string? Secret { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>CertificatePut</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdCertificatePut
{
    /// <summary><c>certificate</c>.</summary>
    [JsonPropertyName("certificate")]
    public string? Certificate { get; set; }

    /// <summary><c>name</c>.</summary>
    [JsonPropertyName("name")]
    public string? Name { get; set; }

    /// <summary><c>projects</c>.</summary>
    [JsonPropertyName("projects")]
    public IList<string>? Projects { get; set; }

    /// <summary><c>restricted</c>.</summary>
    [JsonPropertyName("restricted")]
    public bool? Restricted { get; set; }

    /// <summary><c>type</c>.</summary>
    [JsonPropertyName("type")]
    public string? Type { get; set; }

    /// <summary><c>description</c>.</summary>
    [JsonPropertyName("description")]
    public string? Description { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>CertificatesPost</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdCertificatesPost
{
    /// <summary><c>certificate</c>.</summary>
    [JsonPropertyName("certificate")]
    public string? Certificate { get; set; }

    /// <summary><c>name</c>.</summary>
    [JsonPropertyName("name")]
    public string? Name { get; set; }

    /// <summary><c>password</c>.</summary>
    [JsonPropertyName("password")]
    public string? Password { get; set; }

    /// <summary><c>projects</c>.</summary>
    [JsonPropertyName("projects")]
    public IList<string>? Projects { get; set; }

    /// <summary><c>restricted</c>.</summary>
    [JsonPropertyName("restricted")]
    public bool? Restricted { get; set; }

    /// <summary><c>token</c>.</summary>
    [JsonPropertyName("token")]
    public bool? Token { get; set; }

    /// <summary><c>type</c>.</summary>
    [JsonPropertyName("type")]
    public string? Type { get; set; }

    /// <summary><c>description</c>.</summary>
    [JsonPropertyName("description")]
    public string? Description { get; set; }

    /// <summary><c>trust_token</c>.</summary>
    [JsonPropertyName("trust_token")]
    public string? TrustToken { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}
