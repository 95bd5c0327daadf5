// Written by eng/generate-lxd from rest-api.yaml of LXD 5.0.2 and Incus 6.0.4.
#nullable enable
using System.CodeDom.Compiler;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Hypervisor.Sdk.Lxd;

/// <summary><c>Event</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdEvent
{
    /// <summary><c>location</c>.</summary>
    [JsonPropertyName("location")]
    public string? Location { get; set; }

    /// <summary><c>metadata</c>.</summary>
    [JsonPropertyName("metadata")]
    public JsonElement? Metadata { get; set; }

    /// <summary><c>project</c>.</summary>
    [JsonPropertyName("project")]
    public string? Project { get; set; }

    /// <summary><c>timestamp</c>.</summary>
    [JsonPropertyName("timestamp")]
    public DateTimeOffset? Timestamp { get; set; }

    /// <summary><c>type</c>.</summary>
    [JsonPropertyName("type")]
    public string? Type { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}
