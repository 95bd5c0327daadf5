// Written by eng/generate-lxd from rest-api.yaml of LXD 5.0.2 and Incus 6.0.4.
#nullable enable
using System.CodeDom.Compiler;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Hypervisor.Sdk.Lxd;

/// <summary><c>Network</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdNetwork
{
    /// <summary><c>config</c>.</summary>
    [JsonPropertyName("config")]
    public IDictionary<string, string>? Config { get; set; }

    /// <summary><c>description</c>.</summary>
    [JsonPropertyName("description")]
    public string? Description { get; set; }

    /// <summary><c>locations</c>.</summary>
    [JsonPropertyName("locations")]
    public IList<string>? Locations { get; set; }

    /// <summary><c>managed</c>.</summary>
    [JsonPropertyName("managed")]
    public bool? Managed { get; set; }

    /// <summary><c>name</c>.</summary>
    [JsonPropertyName("name")]
    public string? Name { get; set; }

    /// <summary><c>status</c>.</summary>
    [JsonPropertyName("status")]
    public string? Status { get; set; }

    /// <summary><c>type</c>.</summary>
    [JsonPropertyName("type")]
    public string? Type { get; set; }

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

/// <summary><c>NetworkAllocations</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdNetworkAllocations
{
    /// <summary><c>addresses</c>.</summary>
    [JsonPropertyName("addresses")]
    public string? Addresses { get; set; }

    /// <summary><c>hwaddr</c>.</summary>
    [JsonPropertyName("hwaddr")]
    public string? Hwaddr { get; set; }

    /// <summary><c>nat</c>.</summary>
    [JsonPropertyName("nat")]
    public bool? Nat { get; set; }

    /// <summary><c>type</c>.</summary>
    [JsonPropertyName("type")]
    public string? Type { get; set; }

    /// <summary><c>used_by</c>.</summary>
    [JsonPropertyName("used_by")]
    public string? UsedBy { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>NetworkLease</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdNetworkLease
{
    /// <summary><c>address</c>.</summary>
    [JsonPropertyName("address")]
    public string? Address { get; set; }

    /// <summary><c>hostname</c>.</summary>
    [JsonPropertyName("hostname")]
    public string? Hostname { get; set; }

    /// <summary><c>hwaddr</c>.</summary>
    [JsonPropertyName("hwaddr")]
    public string? Hwaddr { get; set; }

    /// <summary><c>location</c>.</summary>
    [JsonPropertyName("location")]
    public string? Location { get; set; }

    /// <summary><c>type</c>.</summary>
    [JsonPropertyName("type")]
    public string? Type { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>NetworkPost</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdNetworkPost
{
    /// <summary><c>name</c>.</summary>
    [JsonPropertyName("name")]
    public string? Name { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>NetworkPut</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdNetworkPut
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

/// <summary><c>NetworkState</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdNetworkState
{
    /// <summary><c>addresses</c>.</summary>
    [JsonPropertyName("addresses")]
    public IList<LxdNetworkStateAddress>? Addresses { get; set; }

    /// <summary><c>bond</c>.</summary>
    [JsonPropertyName("bond")]
    public LxdNetworkStateBond? Bond { get; set; }

    /// <summary><c>bridge</c>.</summary>
    [JsonPropertyName("bridge")]
    public LxdNetworkStateBridge? Bridge { get; set; }

    /// <summary><c>counters</c>.</summary>
    [JsonPropertyName("counters")]
    public LxdNetworkStateCounters? Counters { get; set; }

    /// <summary><c>hwaddr</c>.</summary>
    [JsonPropertyName("hwaddr")]
    public string? Hwaddr { get; set; }

    /// <summary><c>mtu</c>.</summary>
    [JsonPropertyName("mtu")]
    public long? Mtu { get; set; }

    /// <summary><c>ovn</c>.</summary>
    [JsonPropertyName("ovn")]
    public LxdNetworkStateOvn? Ovn { get; set; }

    /// <summary><c>state</c>.</summary>
    [JsonPropertyName("state")]
    public string? State { get; set; }

    /// <summary><c>type</c>.</summary>
    [JsonPropertyName("type")]
    public string? Type { get; set; }

    /// <summary><c>vlan</c>.</summary>
    [JsonPropertyName("vlan")]
    public LxdNetworkStateVlan? Vlan { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>NetworkStateAddress</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdNetworkStateAddress
{
    /// <summary><c>address</c>.</summary>
    [JsonPropertyName("address")]
    public string? Address { get; set; }

    /// <summary><c>family</c>.</summary>
    [JsonPropertyName("family")]
    public string? Family { get; set; }

    /// <summary><c>netmask</c>.</summary>
    [JsonPropertyName("netmask")]
    public string? Netmask { get; set; }

    /// <summary><c>scope</c>.</summary>
    [JsonPropertyName("scope")]
    public string? Scope { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>NetworkStateBond</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdNetworkStateBond
{
    /// <summary><c>down_delay</c>.</summary>
    [JsonPropertyName("down_delay")]
    public ulong? DownDelay { get; set; }

    /// <summary><c>lower_devices</c>.</summary>
    [JsonPropertyName("lower_devices")]
    public IList<string>? LowerDevices { get; set; }

    /// <summary><c>mii_frequency</c>.</summary>
    [JsonPropertyName("mii_frequency")]
    public ulong? MiiFrequency { get; set; }

    /// <summary><c>mii_state</c>.</summary>
    [JsonPropertyName("mii_state")]
    public string? MiiState { get; set; }

    /// <summary><c>mode</c>.</summary>
    [JsonPropertyName("mode")]
    public string? Mode { get; set; }

    /// <summary><c>transmit_policy</c>.</summary>
    [JsonPropertyName("transmit_policy")]
    public string? TransmitPolicy { get; set; }

    /// <summary><c>up_delay</c>.</summary>
    [JsonPropertyName("up_delay")]
    public ulong? UpDelay { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>NetworkStateBridge</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdNetworkStateBridge
{
    /// <summary><c>forward_delay</c>.</summary>
    [JsonPropertyName("forward_delay")]
    public ulong? ForwardDelay { get; set; }

    /// <summary><c>id</c>.</summary>
    [JsonPropertyName("id")]
    public string? Id { get; set; }

    /// <summary><c>stp</c>.</summary>
    [JsonPropertyName("stp")]
    public bool? Stp { get; set; }

    /// <summary><c>upper_devices</c>.</summary>
    [JsonPropertyName("upper_devices")]
    public IList<string>? UpperDevices { get; set; }

    /// <summary><c>vlan_default</c>.</summary>
    [JsonPropertyName("vlan_default")]
    public ulong? VlanDefault { get; set; }

    /// <summary><c>vlan_filtering</c>.</summary>
    [JsonPropertyName("vlan_filtering")]
    public bool? VlanFiltering { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>NetworkStateCounters</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdNetworkStateCounters
{
    /// <summary><c>bytes_received</c>.</summary>
    [JsonPropertyName("bytes_received")]
    public long? BytesReceived { get; set; }

    /// <summary><c>bytes_sent</c>.</summary>
    [JsonPropertyName("bytes_sent")]
    public long? BytesSent { get; set; }

    /// <summary><c>packets_received</c>.</summary>
    [JsonPropertyName("packets_received")]
    public long? PacketsReceived { get; set; }

    /// <summary><c>packets_sent</c>.</summary>
    [JsonPropertyName("packets_sent")]
    public long? PacketsSent { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>NetworkStateOvn</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdNetworkStateOvn
{
    /// <summary><c>chassis</c>.</summary>
    [JsonPropertyName("chassis")]
    public string? Chassis { get; set; }

    /// <summary><c>logical_router</c>.</summary>
    [JsonPropertyName("logical_router")]
    public string? LogicalRouter { get; set; }

    /// <summary><c>logical_switch</c>.</summary>
    [JsonPropertyName("logical_switch")]
    public string? LogicalSwitch { get; set; }

    /// <summary><c>uplink_ipv4</c>.</summary>
    [JsonPropertyName("uplink_ipv4")]
    public string? UplinkIpv4 { get; set; }

    /// <summary><c>uplink_ipv6</c>.</summary>
    [JsonPropertyName("uplink_ipv6")]
    public string? UplinkIpv6 { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>NetworkStateVlan</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdNetworkStateVlan
{
    /// <summary><c>lower_device</c>.</summary>
    [JsonPropertyName("lower_device")]
    public string? LowerDevice { get; set; }

    /// <summary><c>vid</c>.</summary>
    [JsonPropertyName("vid")]
    public ulong? Vid { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>NetworksPost</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdNetworksPost
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
