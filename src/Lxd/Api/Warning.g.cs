// Written by eng/generate-lxd from rest-api.yaml of LXD 5.0.2 and Incus 6.0.4.
#nullable enable
using System.CodeDom.Compiler;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Hypervisor.Sdk.Lxd;

/// <summary><c>Warning</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdWarning
{
    /// <summary><c>count</c>.</summary>
    [JsonPropertyName("count")]
    public long? Count { get; set; }

    /// <summary><c>entity_url</c>.</summary>
    [JsonPropertyName("entity_url")]
    public string? EntityUrl { get; set; }

    /// <summary><c>first_seen_at</c>.</summary>
    [JsonPropertyName("first_seen_at")]
    public DateTimeOffset? FirstSeenAt { get; set; }

    /// <summary><c>last_message</c>.</summary>
    [JsonPropertyName("last_message")]
    public string? LastMessage { get; set; }

    /// <summary><c>last_seen_at</c>.</summary>
    [JsonPropertyName("last_seen_at")]
    public DateTimeOffset? LastSeenAt { get; set; }

    /// <summary><c>location</c>.</summary>
    [JsonPropertyName("location")]
    public string? Location { get; set; }

    /// <summary><c>project</c>.</summary>
    [JsonPropertyName("project")]
    public string? Project { get; set; }

    /// <summary><c>severity</c>.</summary>
    [JsonPropertyName("severity")]
    public string? Severity { get; set; }

    /// <summary><c>status</c>.</summary>
    [JsonPropertyName("status")]
    public string? Status { get; set; }

    /// <summary><c>type</c>.</summary>
    [JsonPropertyName("type")]
    public string? Type { get; set; }

    /// <summary><c>uuid</c>.</summary>
    [JsonPropertyName("uuid")]
    public string? Uuid { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>WarningPut</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdWarningPut
{
    /// <summary><c>status</c>.</summary>
    [JsonPropertyName("status")]
    public string? Status { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}
