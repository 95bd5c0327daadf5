// Written by eng/generate-lxd from rest-api.yaml of LXD 5.0.2 and Incus 6.0.4.
#nullable enable
using System.CodeDom.Compiler;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Hypervisor.Sdk.Lxd;

/// <summary><c>NetworkLoadBalancer</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdNetworkLoadBalancer
{
    /// <summary><c>backends</c>.</summary>
    [JsonPropertyName("backends")]
    public IList<LxdNetworkLoadBalancerBackend>? Backends { get; set; }

    /// <summary><c>config</c>.</summary>
    [JsonPropertyName("config")]
    public IDictionary<string, string>? Config { get; set; }

    /// <summary><c>description</c>.</summary>
    [JsonPropertyName("description")]
    public string? Description { get; set; }

    /// <summary><c>listen_address</c>.</summary>
    [JsonPropertyName("listen_address")]
    public string? ListenAddress { get; set; }

    /// <summary><c>location</c>.</summary>
    [JsonPropertyName("location")]
    public string? Location { get; set; }

    /// <summary><c>ports</c>.</summary>
    [JsonPropertyName("ports")]
    public IList<LxdNetworkLoadBalancerPort>? Ports { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>NetworkLoadBalancerBackend</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdNetworkLoadBalancerBackend
{
    /// <summary><c>description</c>.</summary>
    [JsonPropertyName("description")]
    public string? Description { get; set; }

    /// <summary><c>name</c>.</summary>
    [JsonPropertyName("name")]
    public string? Name { get; set; }

    /// <summary><c>target_address</c>.</summary>
    [JsonPropertyName("target_address")]
    public string? TargetAddress { get; set; }

    /// <summary><c>target_port</c>.</summary>
    [JsonPropertyName("target_port")]
    public string? TargetPort { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>NetworkLoadBalancerPort</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdNetworkLoadBalancerPort
{
    /// <summary><c>description</c>.</summary>
    [JsonPropertyName("description")]
    public string? Description { get; set; }

    /// <summary><c>listen_port</c>.</summary>
    [JsonPropertyName("listen_port")]
    public string? ListenPort { get; set; }

    /// <summary><c>protocol</c>.</summary>
    [JsonPropertyName("protocol")]
    public string? Protocol { get; set; }

    /// <summary><c>target_backend</c>.</summary>
    [JsonPropertyName("target_backend")]
    public IList<string>? TargetBackend { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>NetworkLoadBalancerPut</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdNetworkLoadBalancerPut
{
    /// <summary><c>backends</c>.</summary>
    [JsonPropertyName("backends")]
    public IList<LxdNetworkLoadBalancerBackend>? Backends { get; set; }

    /// <summary><c>config</c>.</summary>
    [JsonPropertyName("config")]
    public IDictionary<string, string>? Config { get; set; }

    /// <summary><c>description</c>.</summary>
    [JsonPropertyName("description")]
    public string? Description { get; set; }

    /// <summary><c>ports</c>.</summary>
    [JsonPropertyName("ports")]
    public IList<LxdNetworkLoadBalancerPort>? Ports { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>NetworkLoadBalancerState</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdNetworkLoadBalancerState
{
    /// <summary><c>backend_health</c>.</summary>
    [JsonPropertyName("backend_health")]
    public IDictionary<string, LxdNetworkLoadBalancerStateBackendHealth>? BackendHealth { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>NetworkLoadBalancerStateBackendHealth</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdNetworkLoadBalancerStateBackendHealth
{
    /// <summary><c>address</c>.</summary>
    [JsonPropertyName("address")]
    public string? Address { get; set; }

    /// <summary><c>ports</c>.</summary>
    [JsonPropertyName("ports")]
    public IList<LxdNetworkLoadBalancerStateBackendHealthPort>? Ports { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>NetworkLoadBalancerStateBackendHealthPort</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdNetworkLoadBalancerStateBackendHealthPort
{
    /// <summary><c>port</c>.</summary>
    [JsonPropertyName("port")]
    public long? Port { get; set; }

    /// <summary><c>protocol</c>.</summary>
    [JsonPropertyName("protocol")]
    public string? Protocol { get; set; }

    /// <summary><c>status</c>.</summary>
    [JsonPropertyName("status")]
    public string? Status { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>NetworkLoadBalancersPost</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdNetworkLoadBalancersPost
{
    /// <summary><c>backends</c>.</summary>
    [JsonPropertyName("backends")]
    public IList<LxdNetworkLoadBalancerBackend>? Backends { get; set; }

    /// <summary><c>config</c>.</summary>
    [JsonPropertyName("config")]
    public IDictionary<string, string>? Config { get; set; }

    /// <summary><c>description</c>.</summary>
    [JsonPropertyName("description")]
    public string? Description { get; set; }

    /// <summary><c>listen_address</c>.</summary>
    [JsonPropertyName("listen_address")]
    public string? ListenAddress { get; set; }

    /// <summary><c>ports</c>.</summary>
    [JsonPropertyName("ports")]
    public IList<LxdNetworkLoadBalancerPort>? Ports { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}
