// Written by eng/generate-lxd from rest-api.yaml of LXD 5.0.2 and Incus 6.0.4.
#nullable enable
using System.CodeDom.Compiler;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Hypervisor.Sdk.Lxd;

/// <summary><c>AccessEntry</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdAccessEntry
{
    /// <summary><c>identifier</c>.</summary>
    [JsonPropertyName("identifier")]
    public string? Identifier { get; set; }

    /// <summary><c>provider</c>.</summary>
    [JsonPropertyName("provider")]
    public string? Provider { get; set; }

    /// <summary><c>role</c>.</summary>
    [JsonPropertyName("role")]
    public string? Role { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>Server</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdServer
{
    /// <summary><c>api_extensions</c>.</summary>
    [JsonPropertyName("api_extensions")]
    public IList<string>? ApiExtensions { get; set; }

    /// <summary><c>api_status</c>.</summary>
    [JsonPropertyName("api_status")]
    public string? ApiStatus { get; set; }

    /// <summary><c>api_version</c>.</summary>
    [JsonPropertyName("api_version")]
    public string? ApiVersion { get; set; }

    /// <summary><c>auth</c>.</summary>
    [JsonPropertyName("auth")]
    public string? Auth { get; set; }

    /// <summary><c>auth_methods</c>.</summary>
    [JsonPropertyName("auth_methods")]
    public IList<string>? AuthMethods { get; set; }

    /// <summary><c>config</c>.</summary>
    [JsonPropertyName("config")]
    public IDictionary<string, JsonElement>? Config { get; set; }

    /// <summary><c>environment</c>.</summary>
    [JsonPropertyName("environment")]
    public LxdServerEnvironment? Environment { get; set; }

    /// <summary><c>public</c>.</summary>
    [JsonPropertyName("public")]
    public bool? Public { get; set; }

    /// <summary><c>auth_user_method</c>.</summary>
    [JsonPropertyName("auth_user_method")]
    public string? AuthUserMethod { get; set; }

    /// <summary><c>auth_user_name</c>.</summary>
    [JsonPropertyName("auth_user_name")]
    public string? AuthUserName { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>ServerEnvironment</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdServerEnvironment
{
    /// <summary><c>addresses</c>.</summary>
    [JsonPropertyName("addresses")]
    public IList<string>? Addresses { get; set; }

    /// <summary><c>architectures</c>.</summary>
    [JsonPropertyName("architectures")]
    public IList<string>? Architectures { get; set; }

    /// <summary><c>certificate</c>.</summary>
    [JsonPropertyName("certificate")]
    public string? Certificate { get; set; }

    /// <summary><c>certificate_fingerprint</c>.</summary>
    [JsonPropertyName("certificate_fingerprint")]
    public string? CertificateFingerprint { get; set; }

    /// <summary><c>driver</c>.</summary>
    [JsonPropertyName("driver")]
    public string? Driver { get; set; }

    /// <summary><c>driver_version</c>.</summary>
    [JsonPropertyName("driver_version")]
    public string? DriverVersion { get; set; }

    /// <summary><c>firewall</c>.</summary>
    [JsonPropertyName("firewall")]
    public string? Firewall { get; set; }

    /// <summary><c>kernel</c>.</summary>
    [JsonPropertyName("kernel")]
    public string? Kernel { get; set; }

    /// <summary><c>kernel_architecture</c>.</summary>
    [JsonPropertyName("kernel_architecture")]
    public string? KernelArchitecture { get; set; }

    /// <summary><c>kernel_features</c>.</summary>
    [JsonPropertyName("kernel_features")]
    public IDictionary<string, string>? KernelFeatures { get; set; }

    /// <summary><c>kernel_version</c>.</summary>
    [JsonPropertyName("kernel_version")]
    public string? KernelVersion { get; set; }

    /// <summary><c>lxc_features</c>.</summary>
    [JsonPropertyName("lxc_features")]
    public IDictionary<string, string>? LxcFeatures { get; set; }

    /// <summary><c>os_name</c>.</summary>
    [JsonPropertyName("os_name")]
    public string? OsName { get; set; }

    /// <summary><c>os_version</c>.</summary>
    [JsonPropertyName("os_version")]
    public string? OsVersion { get; set; }

    /// <summary><c>project</c>.</summary>
    [JsonPropertyName("project")]
    public string? Project { get; set; }

    /// <summary><c>server</c>.</summary>
    [JsonPropertyName("server")]
    public string? Server { get; set; }

    /// <summary><c>server_clustered</c>.</summary>
    [JsonPropertyName("server_clustered")]
    public bool? ServerClustered { get; set; }

    /// <summary><c>server_event_mode</c>.</summary>
    [JsonPropertyName("server_event_mode")]
    public string? ServerEventMode { get; set; }

    /// <summary><c>server_name</c>.</summary>
    [JsonPropertyName("server_name")]
    public string? ServerName { get; set; }

    /// <summary><c>server_pid</c>.</summary>
    [JsonPropertyName("server_pid")]
    public long? ServerPid { get; set; }

    /// <summary><c>server_version</c>.</summary>
    [JsonPropertyName("server_version")]
    public string? ServerVersion { get; set; }

    /// <summary><c>storage</c>.</summary>
    [JsonPropertyName("storage")]
    public string? Storage { get; set; }

    /// <summary><c>storage_supported_drivers</c>.</summary>
    [JsonPropertyName("storage_supported_drivers")]
    public IList<LxdServerStorageDriverInfo>? StorageSupportedDrivers { get; set; }

    /// <summary><c>storage_version</c>.</summary>
    [JsonPropertyName("storage_version")]
    public string? StorageVersion { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>ServerPut</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdServerPut
{
    /// <summary><c>config</c>.</summary>
    [JsonPropertyName("config")]
    public IDictionary<string, JsonElement>? Config { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>ServerStorageDriverInfo</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdServerStorageDriverInfo
{
    /// <summary><c>Name</c>.</summary>
    [JsonPropertyName("Name")]
    public string? Name { get; set; }

    /// <summary><c>Remote</c>.</summary>
    [JsonPropertyName("Remote")]
    public bool? Remote { get; set; }

    /// <summary><c>Version</c>.</summary>
    [JsonPropertyName("Version")]
    public string? Version { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>ServerUntrusted</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdServerUntrusted
{
    /// <summary><c>api_extensions</c>.</summary>
    [JsonPropertyName("api_extensions")]
    public IList<string>? ApiExtensions { get; set; }

    /// <summary><c>api_status</c>.</summary>
    [JsonPropertyName("api_status")]
    public string? ApiStatus { get; set; }

    /// <summary><c>api_version</c>.</summary>
    [JsonPropertyName("api_version")]
    public string? ApiVersion { get; set; }

    /// <summary><c>auth</c>.</summary>
    [JsonPropertyName("auth")]
    public string? Auth { get; set; }

    /// <summary><c>auth_methods</c>.</summary>
    [JsonPropertyName("auth_methods")]
    public IList<string>? AuthMethods { get; set; }

    /// <summary><c>public</c>.</summary>
    [JsonPropertyName("public")]
    public bool? Public { get; set; }

    /// <summary><c>config</c>.</summary>
    [JsonPropertyName("config")]
    public IDictionary<string, string>? Config { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}
