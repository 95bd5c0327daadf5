// Written by eng/generate-lxd from rest-api.yaml of LXD 5.0.2 and Incus 6.0.4.
#nullable enable
using System.CodeDom.Compiler;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Hypervisor.Sdk.Lxd;

/// <summary><c>StoragePool</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdStoragePool
{
    /// <summary><c>config</c>.</summary>
    [JsonPropertyName("config")]
    public IDictionary<string, string>? Config { get; set; }

    /// <summary><c>description</c>.</summary>
    [JsonPropertyName("description")]
    public string? Description { get; set; }

    /// <summary><c>driver</c>.</summary>
    [JsonPropertyName("driver")]
    public string? Driver { get; set; }

    /// <summary><c>locations</c>.</summary>
    [JsonPropertyName("locations")]
    public IList<string>? Locations { get; set; }

    /// <summary><c>name</c>.</summary>
    [JsonPropertyName("name")]
    public string? Name { get; set; }

    /// <summary><c>status</c>.</summary>
    [JsonPropertyName("status")]
    public string? Status { get; set; }

    /// <summary><c>used_by</c>.</summary>
    [JsonPropertyName("used_by")]
    public IList<string>? UsedBy { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>StoragePoolPut</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdStoragePoolPut
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

/// <summary><c>StoragePoolState</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdStoragePoolState
{
    /// <summary><c>inodes</c>.</summary>
    [JsonPropertyName("inodes")]
    public LxdResourcesStoragePoolInodes? Inodes { get; set; }

    /// <summary><c>space</c>.</summary>
    [JsonPropertyName("space")]
    public LxdResourcesStoragePoolSpace? Space { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>StoragePoolsPost</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdStoragePoolsPost
{
    /// <summary><c>config</c>.</summary>
    [JsonPropertyName("config")]
    public IDictionary<string, string>? Config { get; set; }

    /// <summary><c>description</c>.</summary>
    [JsonPropertyName("description")]
    public string? Description { get; set; }

    /// <summary><c>driver</c>.</summary>
    [JsonPropertyName("driver")]
    public string? Driver { get; set; }

    /// <summary><c>name</c>.</summary>
    [JsonPropertyName("name")]
    public string? Name { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}
