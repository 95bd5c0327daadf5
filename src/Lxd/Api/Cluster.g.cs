// Written by eng/generate-lxd from rest-api.yaml of LXD 5.0.2 and Incus 6.0.4.
#nullable enable
using System.CodeDom.Compiler;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Hypervisor.Sdk.Lxd;

/// <summary><c>Cluster</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdCluster
{
    /// <summary><c>enabled</c>.</summary>
    [JsonPropertyName("enabled")]
    public bool? Enabled { get; set; }

    /// <summary><c>member_config</c>.</summary>
    [JsonPropertyName("member_config")]
    public IList<LxdClusterMemberConfigKey>? MemberConfig { get; set; }

    /// <summary><c>server_name</c>.</summary>
    [JsonPropertyName("server_name")]
    public string? ServerName { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>ClusterCertificatePut</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdClusterCertificatePut
{
    /// <summary><c>cluster_certificate</c>.</summary>
    [JsonPropertyName("cluster_certificate")]
    public string? ClusterCertificate { get; set; }

    /// <summary><c>cluster_certificate_key</c>.</summary>
    [JsonPropertyName("cluster_certificate_key")]
    public string? ClusterCertificateKey { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>ClusterGroup</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdClusterGroup
{
    /// <summary><c>description</c>.</summary>
    [JsonPropertyName("description")]
    public string? Description { get; set; }

    /// <summary><c>members</c>.</summary>
    [JsonPropertyName("members")]
    public IList<string>? Members { get; set; }

    /// <summary><c>name</c>.</summary>
    [JsonPropertyName("name")]
    public string? Name { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>ClusterGroupPost</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdClusterGroupPost
{
    /// <summary><c>name</c>.</summary>
    [JsonPropertyName("name")]
    public string? Name { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>ClusterGroupPut</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdClusterGroupPut
{
    /// <summary><c>description</c>.</summary>
    [JsonPropertyName("description")]
    public string? Description { get; set; }

    /// <summary><c>members</c>.</summary>
    [JsonPropertyName("members")]
    public IList<string>? Members { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>ClusterGroupsPost</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdClusterGroupsPost
{
    /// <summary><c>description</c>.</summary>
    [JsonPropertyName("description")]
    public string? Description { get; set; }

    /// <summary><c>members</c>.</summary>
    [JsonPropertyName("members")]
    public IList<string>? Members { get; set; }

    /// <summary><c>name</c>.</summary>
    [JsonPropertyName("name")]
    public string? Name { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>ClusterMember</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdClusterMember
{
    /// <summary><c>architecture</c>.</summary>
    [JsonPropertyName("architecture")]
    public string? Architecture { get; set; }

    /// <summary><c>config</c>.</summary>
    [JsonPropertyName("config")]
    public IDictionary<string, string>? Config { get; set; }

    /// <summary><c>database</c>.</summary>
    [JsonPropertyName("database")]
    public bool? Database { get; set; }

    /// <summary><c>description</c>.</summary>
    [JsonPropertyName("description")]
    public string? Description { get; set; }

    /// <summary><c>failure_domain</c>.</summary>
    [JsonPropertyName("failure_domain")]
    public string? FailureDomain { get; set; }

    /// <summary><c>groups</c>.</summary>
    [JsonPropertyName("groups")]
    public IList<string>? Groups { get; set; }

    /// <summary><c>message</c>.</summary>
    [JsonPropertyName("message")]
    public string? Message { get; set; }

    /// <summary><c>roles</c>.</summary>
    [JsonPropertyName("roles")]
    public IList<string>? Roles { get; set; }

    /// <summary><c>server_name</c>.</summary>
    [JsonPropertyName("server_name")]
    public string? ServerName { get; set; }

    /// <summary><c>status</c>.</summary>
    [JsonPropertyName("status")]
    public string? Status { get; set; }

    /// <summary><c>url</c>.</summary>
    [JsonPropertyName("url")]
    public string? Url { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>ClusterMemberConfigKey</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdClusterMemberConfigKey
{
    /// <summary><c>description</c>.</summary>
    [JsonPropertyName("description")]
    public string? Description { get; set; }

    /// <summary><c>entity</c>.</summary>
    [JsonPropertyName("entity")]
    public string? Entity { get; set; }

    /// <summary><c>key</c>.</summary>
    [JsonPropertyName("key")]
    public string? Key { get; set; }

    /// <summary><c>name</c>.</summary>
    [JsonPropertyName("name")]
    public string? Name { get; set; }

    /// <summary><c>value</c>.</summary>
    [JsonPropertyName("value")]
    public string? Value { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>ClusterMemberPost</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdClusterMemberPost
{
    /// <summary><c>server_name</c>.</summary>
    [JsonPropertyName("server_name")]
    public string? ServerName { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>ClusterMemberPut</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdClusterMemberPut
{
    /// <summary><c>config</c>.</summary>
    [JsonPropertyName("config")]
    public IDictionary<string, string>? Config { get; set; }

    /// <summary><c>description</c>.</summary>
    [JsonPropertyName("description")]
    public string? Description { get; set; }

    /// <summary><c>failure_domain</c>.</summary>
    [JsonPropertyName("failure_domain")]
    public string? FailureDomain { get; set; }

    /// <summary><c>groups</c>.</summary>
    [JsonPropertyName("groups")]
    public IList<string>? Groups { get; set; }

    /// <summary><c>roles</c>.</summary>
    [JsonPropertyName("roles")]
    public IList<string>? Roles { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>ClusterMemberState</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdClusterMemberState
{
    /// <summary><c>storage_pools</c>.</summary>
    [JsonPropertyName("storage_pools")]
    public IDictionary<string, LxdStoragePoolState>? StoragePools { get; set; }

    /// <summary><c>sysinfo</c>.</summary>
    [JsonPropertyName("sysinfo")]
    public LxdClusterMemberSysInfo? Sysinfo { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>ClusterMemberStatePost</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdClusterMemberStatePost
{
    /// <summary><c>action</c>.</summary>
    [JsonPropertyName("action")]
    public string? Action { get; set; }

    /// <summary><c>mode</c>.</summary>
    [JsonPropertyName("mode")]
    public string? Mode { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>ClusterMemberSysInfo</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdClusterMemberSysInfo
{
    /// <summary><c>buffered_ram</c>.</summary>
    [JsonPropertyName("buffered_ram")]
    public ulong? BufferedRam { get; set; }

    /// <summary><c>free_ram</c>.</summary>
    [JsonPropertyName("free_ram")]
    public ulong? FreeRam { get; set; }

    /// <summary><c>free_swap</c>.</summary>
    [JsonPropertyName("free_swap")]
    public ulong? FreeSwap { get; set; }

    /// <summary><c>load_averages</c>.</summary>
    [JsonPropertyName("load_averages")]
    public IList<double>? LoadAverages { get; set; }

    /// <summary><c>processes</c>.</summary>
    [JsonPropertyName("processes")]
    public ushort? Processes { get; set; }

    /// <summary><c>shared_ram</c>.</summary>
    [JsonPropertyName("shared_ram")]
    public ulong? SharedRam { get; set; }

    /// <summary><c>total_ram</c>.</summary>
    [JsonPropertyName("total_ram")]
    public ulong? TotalRam { get; set; }

    /// <summary><c>total_swap</c>.</summary>
    [JsonPropertyName("total_swap")]
    public ulong? TotalSwap { get; set; }

    /// <summary><c>uptime</c>.</summary>
    [JsonPropertyName("uptime")]
    public long? Uptime { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>ClusterMembersPost</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdClusterMembersPost
{
    /// <summary><c>server_name</c>.</summary>
    [JsonPropertyName("server_name")]
    public string? ServerName { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>ClusterPut</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdClusterPut
{
    /// <summary><c>cluster_address</c>.</summary>
    [JsonPropertyName("cluster_address")]
    public string? ClusterAddress { get; set; }

    /// <summary><c>cluster_certificate</c>.</summary>
    [JsonPropertyName("cluster_certificate")]
    public string? ClusterCertificate { get; set; }

    /// <summary><c>cluster_password</c>.</summary>
    [JsonPropertyName("cluster_password")]
    public string? ClusterPassword { get; set; }

    /// <summary><c>enabled</c>.</summary>
    [JsonPropertyName("enabled")]
    public bool? Enabled { get; set; }

    /// <summary><c>member_config</c>.</summary>
    [JsonPropertyName("member_config")]
    public IList<LxdClusterMemberConfigKey>? MemberConfig { get; set; }

    /// <summary><c>server_address</c>.</summary>
    [JsonPropertyName("server_address")]
    public string? ServerAddress { get; set; }

    /// <summary><c>server_name</c>.</summary>
    [JsonPropertyName("server_name")]
    public string? ServerName { get; set; }

    /// <summary><c>cluster_token</c>.</summary>
    [JsonPropertyName("cluster_token")]
    public string? ClusterToken { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}
