// Written by eng/generate-lxd from rest-api.yaml of LXD 5.0.2 and Incus 6.0.4.
#nullable enable
using System.CodeDom.Compiler;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Hypervisor.Sdk.Lxd;

/// <summary><c>NetworkAcl</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdNetworkAcl
{
    /// <summary><c>config</c>.</summary>
    [JsonPropertyName("config")]
    public IDictionary<string, string>? Config { get; set; }

    /// <summary><c>description</c>.</summary>
    [JsonPropertyName("description")]
    public string? Description { get; set; }

    /// <summary><c>egress</c>.</summary>
    [JsonPropertyName("egress")]
    public IList<LxdNetworkAclRule>? Egress { get; set; }

    /// <summary><c>ingress</c>.</summary>
    [JsonPropertyName("ingress")]
    public IList<LxdNetworkAclRule>? Ingress { get; set; }

    /// <summary><c>name</c>.</summary>
    [JsonPropertyName("name")]
    public string? Name { get; set; }

    /// <summary><c>used_by</c>.</summary>
    [JsonPropertyName("used_by")]
    public IList<string>? UsedBy { get; set; }

    /// <summary><c>project</c>.</summary>
    [JsonPropertyName("project")]
    public string? Project { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>NetworkAclPost</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdNetworkAclPost
{
    /// <summary><c>name</c>.</summary>
    [JsonPropertyName("name")]
    public string? Name { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>NetworkAclPut</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdNetworkAclPut
{
    /// <summary><c>config</c>.</summary>
    [JsonPropertyName("config")]
    public IDictionary<string, string>? Config { get; set; }

    /// <summary><c>description</c>.</summary>
    [JsonPropertyName("description")]
    public string? Description { get; set; }

    /// <summary><c>egress</c>.</summary>
    [JsonPropertyName("egress")]
    public IList<LxdNetworkAclRule>? Egress { get; set; }

    /// <summary><c>ingress</c>.</summary>
    [JsonPropertyName("ingress")]
    public IList<LxdNetworkAclRule>? Ingress { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>NetworkAclRule</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdNetworkAclRule
{
    /// <summary><c>action</c>.</summary>
    [JsonPropertyName("action")]
    public string? Action { get; set; }

    /// <summary><c>description</c>.</summary>
    [JsonPropertyName("description")]
    public string? Description { get; set; }

    /// <summary><c>destination</c>.</summary>
    [JsonPropertyName("destination")]
    public string? Destination { get; set; }

    /// <summary><c>destination_port</c>.</summary>
    [JsonPropertyName("destination_port")]
    public string? DestinationPort { get; set; }

    /// <summary><c>icmp_code</c>.</summary>
    [JsonPropertyName("icmp_code")]
    public string? IcmpCode { get; set; }

    /// <summary><c>icmp_type</c>.</summary>
    [JsonPropertyName("icmp_type")]
    public string? IcmpType { get; set; }

    /// <summary><c>protocol</c>.</summary>
    [JsonPropertyName("protocol")]
    public string? Protocol { get; set; }

    /// <summary><c>source</c>.</summary>
    [JsonPropertyName("source")]
    public string? Source { get; set; }

    /// <summary><c>source_port</c>.</summary>
    [JsonPropertyName("source_port")]
    public string? SourcePort { get; set; }

    /// <summary><c>state</c>.</summary>
    [JsonPropertyName("state")]
    public string? State { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>NetworkAclsPost</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdNetworkAclsPost
{
    /// <summary><c>config</c>.</summary>
    [JsonPropertyName("config")]
    public IDictionary<string, string>? Config { get; set; }

    /// <summary><c>description</c>.</summary>
    [JsonPropertyName("description")]
    public string? Description { get; set; }

    /// <summary><c>egress</c>.</summary>
    [JsonPropertyName("egress")]
    public IList<LxdNetworkAclRule>? Egress { get; set; }

    /// <summary><c>ingress</c>.</summary>
    [JsonPropertyName("ingress")]
    public IList<LxdNetworkAclRule>? Ingress { get; set; }

    /// <summary><c>name</c>.</summary>
    [JsonPropertyName("name")]
    public string? Name { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}
