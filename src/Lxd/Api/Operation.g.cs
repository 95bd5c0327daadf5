// Written by eng/generate-lxd from rest-api.yaml of LXD 5.0.2 and Incus 6.0.4.
#nullable enable
using System.CodeDom.Compiler;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Hypervisor.Sdk.Lxd;

/// <summary><c>Operation</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdOperation
{
    /// <summary><c>class</c>.</summary>
    [JsonPropertyName("class")]
    public string? Class { get; set; }

    /// <summary><c>created_at</c>.</summary>
    [JsonPropertyName("created_at")]
    public DateTimeOffset? CreatedAt { get; set; }

    /// <summary><c>description</c>.</summary>
    [JsonPropertyName("description")]
    public string? Description { get; set; }

    /// <summary><c>err</c>.</summary>
    [JsonPropertyName("err")]
    public string? Err { get; set; }

    /// <summary><c>id</c>.</summary>
    [JsonPropertyName("id")]
    public string? Id { get; set; }

    /// <summary><c>location</c>.</summary>
    [JsonPropertyName("location")]
    public string? Location { get; set; }

    /// <summary><c>may_cancel</c>.</summary>
    [JsonPropertyName("may_cancel")]
    public bool? MayCancel { get; set; }

    /// <summary><c>metadata</c>.</summary>
    [JsonPropertyName("metadata")]
    public IDictionary<string, JsonElement>? Metadata { get; set; }

    /// <summary><c>resources</c>.</summary>
    [JsonPropertyName("resources")]
    public IDictionary<string, IList<string>>? Resources { get; set; }

    /// <summary><c>status</c>.</summary>
    [JsonPropertyName("status")]
    public string? Status { get; set; }

    /// <summary><c>status_code</c>.</summary>
    [JsonPropertyName("status_code")]
    public long? StatusCode { get; set; }

    /// <summary><c>updated_at</c>.</summary>
    [JsonPropertyName("updated_at")]
    public DateTimeOffset? UpdatedAt { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}
