// Written by eng/generate-lxd from rest-api.yaml of LXD 5.0.2 and Incus 6.0.4.
#nullable enable
using System.CodeDom.Compiler;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Hypervisor.Sdk.Lxd;

/// <summary><c>NetworkIntegration</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdNetworkIntegration
{
    /// <summary><c>config</c>.</summary>
    [JsonPropertyName("config")]
    public IDictionary<string, string>? Config { get; set; }

    /// <summary><c>description</c>.</summary>
    [JsonPropertyName("description")]
    public string? Description { get; set; }

    /// <summary><c>name</c>.</summary>
    [JsonPropertyName("name")]
    public string? Name { get; set; }

    /// <summary><c>type</c>.</summary>
    [JsonPropertyName("type")]
    public string? Type { get; set; }

    /// <summary><c>used_by</c>.</summary>
    [JsonPropertyName("used_by")]
    public IList<string>? UsedBy { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>NetworkIntegrationPost</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdNetworkIntegrationPost
{
    /// <summary><c>name</c>.</summary>
    [JsonPropertyName("name")]
    public string? Name { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>NetworkIntegrationPut</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdNetworkIntegrationPut
{
    /// <summary><c>config</c>.</summary>
    [JsonPropertyName("config")]
    public IDictionary<string, string>? Config { get; set; }

    /// <summary><c>description</c>.</summary>
    [JsonPropertyName("description")]
    public string? Description { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>NetworkIntegrationsPost</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdNetworkIntegrationsPost
{
    /// <summary><c>config</c>.</summary>
    [JsonPropertyName("config")]
    public IDictionary<string, string>? Config { get; set; }

    /// <summary><c>description</c>.</summary>
    [JsonPropertyName("description")]
    public string? Description { get; set; }

    /// <summary><c>name</c>.</summary>
    [JsonPropertyName("name")]
    public string? Name { get; set; }

    /// <summary><c>type</c>.</summary>
    [JsonPropertyName("type")]
    public string? Type { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}
