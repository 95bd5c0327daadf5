// Written by eng/generate-lxd from rest-api.yaml of LXD 5.0.2 and Incus 6.0.4.
#nullable enable
using System.CodeDom.Compiler;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Hypervisor.Sdk.Lxd;

/// <summary><c>Instance</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdInstance
{
    /// <summary><c>architecture</c>.</summary>
    [JsonPropertyName("architecture")]
    public string? Architecture { get; set; }

    /// <summary><c>config</c>.</summary>
    [JsonPropertyName("config")]
    public IDictionary<string, string>? Config { get; set; }

    /// <summary><c>created_at</c>.</summary>
    [JsonPropertyName("created_at")]
    public DateTimeOffset? CreatedAt { get; set; }

    /// <summary><c>description</c>.</summary>
    [JsonPropertyName("description")]
    public string? Description { get; set; }

    /// <summary><c>devices</c>.</summary>
    [JsonPropertyName("devices")]
    public IDictionary<string, IDictionary<string, string>>? Devices { get; set; }

    /// <summary><c>ephemeral</c>.</summary>
    [JsonPropertyName("ephemeral")]
    public bool? Ephemeral { get; set; }

    /// <summary><c>expanded_config</c>.</summary>
    [JsonPropertyName("expanded_config")]
    public IDictionary<string, string>? ExpandedConfig { get; set; }

    /// <summary><c>expanded_devices</c>.</summary>
    [JsonPropertyName("expanded_devices")]
    public IDictionary<string, IDictionary<string, string>>? ExpandedDevices { get; set; }

    /// <summary><c>last_used_at</c>.</summary>
    [JsonPropertyName("last_used_at")]
    public DateTimeOffset? LastUsedAt { get; set; }

    /// <summary><c>location</c>.</summary>
    [JsonPropertyName("location")]
    public string? Location { get; set; }

    /// <summary><c>name</c>.</summary>
    [JsonPropertyName("name")]
    public string? Name { get; set; }

    /// <summary><c>profiles</c>.</summary>
    [JsonPropertyName("profiles")]
    public IList<string>? Profiles { get; set; }

    /// <summary><c>project</c>.</summary>
    [JsonPropertyName("project")]
    public string? Project { get; set; }

    /// <summary><c>restore</c>.</summary>
    [JsonPropertyName("restore")]
    public string? Restore { get; set; }

    /// <summary><c>stateful</c>.</summary>
    [JsonPropertyName("stateful")]
    public bool? Stateful { get; set; }

    /// <summary><c>status</c>.</summary>
    [JsonPropertyName("status")]
    public string? Status { get; set; }

    /// <summary><c>status_code</c>.</summary>
    [JsonPropertyName("status_code")]
    public long? StatusCode { get; set; }

    /// <summary><c>type</c>.</summary>
    [JsonPropertyName("type")]
    public string? Type { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>InstanceBackup</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdInstanceBackup
{
    /// <summary><c>container_only</c>.</summary>
    [JsonPropertyName("container_only")]
    public bool? ContainerOnly { get; set; }

    /// <summary><c>created_at</c>.</summary>
    [JsonPropertyName("created_at")]
    public DateTimeOffset? CreatedAt { get; set; }

    /// <summary><c>expires_at</c>.</summary>
    [JsonPropertyName("expires_at")]
    public DateTimeOffset? ExpiresAt { get; set; }

    /// <summary><c>instance_only</c>.</summary>
    [JsonPropertyName("instance_only")]
    public bool? InstanceOnly { get; set; }

    /// <summary><c>name</c>.</summary>
    [JsonPropertyName("name")]
    public string? Name { get; set; }

    /// <summary><c>optimized_storage</c>.</summary>
    [JsonPropertyName("optimized_storage")]
    public bool? OptimizedStorage { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>InstanceBackupPost</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdInstanceBackupPost
{
    /// <summary><c>name</c>.</summary>
    [JsonPropertyName("name")]
    public string? Name { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>InstanceBackupsPost</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdInstanceBackupsPost
{
    /// <summary><c>compression_algorithm</c>.</summary>
    [JsonPropertyName("compression_algorithm")]
    public string? CompressionAlgorithm { get; set; }

    /// <summary><c>container_only</c>.</summary>
    [JsonPropertyName("container_only")]
    public bool? ContainerOnly { get; set; }

    /// <summary><c>expires_at</c>.</summary>
    [JsonPropertyName("expires_at")]
    public DateTimeOffset? ExpiresAt { get; set; }

    /// <summary><c>instance_only</c>.</summary>
    [JsonPropertyName("instance_only")]
    public bool? InstanceOnly { get; set; }

    /// <summary><c>name</c>.</summary>
    [JsonPropertyName("name")]
    public string? Name { get; set; }

    /// <summary><c>optimized_storage</c>.</summary>
    [JsonPropertyName("optimized_storage")]
    public bool? OptimizedStorage { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>InstanceConsolePost</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdInstanceConsolePost
{
    /// <summary><c>height</c>.</summary>
    [JsonPropertyName("height")]
    public long? Height { get; set; }

    /// <summary><c>type</c>.</summary>
    [JsonPropertyName("type")]
    public string? Type { get; set; }

    /// <summary><c>width</c>.</summary>
    [JsonPropertyName("width")]
    public long? Width { get; set; }

    /// <summary><c>force</c>.</summary>
    [JsonPropertyName("force")]
    public bool? Force { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>InstanceExecPost</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdInstanceExecPost
{
    /// <summary><c>command</c>.</summary>
    [JsonPropertyName("command")]
    public IList<string>? Command { get; set; }

    /// <summary><c>cwd</c>.</summary>
    [JsonPropertyName("cwd")]
    public string? Cwd { get; set; }

    /// <summary><c>environment</c>.</summary>
    [JsonPropertyName("environment")]
    public IDictionary<string, string>? Environment { get; set; }

    /// <summary><c>group</c>.</summary>
    [JsonPropertyName("group")]
    public uint? Group { get; set; }

    /// <summary><c>height</c>.</summary>
    [JsonPropertyName("height")]
    public long? Height { get; set; }

    /// <summary><c>interactive</c>.</summary>
    [JsonPropertyName("interactive")]
    public bool? Interactive { get; set; }

    /// <summary><c>record-output</c>.</summary>
    [JsonPropertyName("record-output")]
    public bool? RecordOutput { get; set; }

    /// <summary><c>user</c>.</summary>
    [JsonPropertyName("user")]
    public uint? User { get; set; }

    /// <summary><c>wait-for-websocket</c>.</summary>
    [JsonPropertyName("wait-for-websocket")]
    public bool? WaitForWebsocket { get; set; }

    /// <summary><c>width</c>.</summary>
    [JsonPropertyName("width")]
    public long? Width { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>InstanceFull</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdInstanceFull
{
    /// <summary><c>architecture</c>.</summary>
    [JsonPropertyName("architecture")]
    public string? Architecture { get; set; }

    /// <summary><c>backups</c>.</summary>
    [JsonPropertyName("backups")]
    public IList<LxdInstanceBackup>? Backups { get; set; }

    /// <summary><c>config</c>.</summary>
    [JsonPropertyName("config")]
    public IDictionary<string, string>? Config { get; set; }

    /// <summary><c>created_at</c>.</summary>
    [JsonPropertyName("created_at")]
    public DateTimeOffset? CreatedAt { get; set; }

    /// <summary><c>description</c>.</summary>
    [JsonPropertyName("description")]
    public string? Description { get; set; }

    /// <summary><c>devices</c>.</summary>
    [JsonPropertyName("devices")]
    public IDictionary<string, IDictionary<string, string>>? Devices { get; set; }

    /// <summary><c>ephemeral</c>.</summary>
    [JsonPropertyName("ephemeral")]
    public bool? Ephemeral { get; set; }

    /// <summary><c>expanded_config</c>.</summary>
    [JsonPropertyName("expanded_config")]
    public IDictionary<string, string>? ExpandedConfig { get; set; }

    /// <summary><c>expanded_devices</c>.</summary>
    [JsonPropertyName("expanded_devices")]
    public IDictionary<string, IDictionary<string, string>>? ExpandedDevices { get; set; }

    /// <summary><c>last_used_at</c>.</summary>
    [JsonPropertyName("last_used_at")]
    public DateTimeOffset? LastUsedAt { get; set; }

    /// <summary><c>location</c>.</summary>
    [JsonPropertyName("location")]
    public string? Location { get; set; }

    /// <summary><c>name</c>.</summary>
    [JsonPropertyName("name")]
    public string? Name { get; set; }

    /// <summary><c>profiles</c>.</summary>
    [JsonPropertyName("profiles")]
    public IList<string>? Profiles { get; set; }

    /// <summary><c>project</c>.</summary>
    [JsonPropertyName("project")]
    public string? Project { get; set; }

    /// <summary><c>restore</c>.</summary>
    [JsonPropertyName("restore")]
    public string? Restore { get; set; }

    /// <summary><c>snapshots</c>.</summary>
    [JsonPropertyName("snapshots")]
    public IList<LxdInstanceSnapshot>? Snapshots { get; set; }

    /// <summary><c>state</c>.</summary>
    [JsonPropertyName("state")]
    public LxdInstanceState? State { get; set; }

    /// <summary><c>stateful</c>.</summary>
    [JsonPropertyName("stateful")]
    public bool? Stateful { get; set; }

    /// <summary><c>status</c>.</summary>
    [JsonPropertyName("status")]
    public string? Status { get; set; }

    /// <summary><c>status_code</c>.</summary>
    [JsonPropertyName("status_code")]
    public long? StatusCode { get; set; }

    /// <summary><c>type</c>.</summary>
    [JsonPropertyName("type")]
    public string? Type { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>InstancePost</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdInstancePost
{
    /// <summary><c>allow_inconsistent</c>.</summary>
    [JsonPropertyName("allow_inconsistent")]
    public bool? AllowInconsistent { get; set; }

    /// <summary><c>container_only</c>.</summary>
    [JsonPropertyName("container_only")]
    public bool? ContainerOnly { get; set; }

    /// <summary><c>instance_only</c>.</summary>
    [JsonPropertyName("instance_only")]
    public bool? InstanceOnly { get; set; }

    /// <summary><c>live</c>.</summary>
    [JsonPropertyName("live")]
    public bool? Live { get; set; }

    /// <summary><c>migration</c>.</summary>
    [JsonPropertyName("migration")]
    public bool? Migration { get; set; }

    /// <summary><c>name</c>.</summary>
    [JsonPropertyName("name")]
    public string? Name { get; set; }

    /// <summary><c>pool</c>.</summary>
    [JsonPropertyName("pool")]
    public string? Pool { get; set; }

    /// <summary><c>project</c>.</summary>
    [JsonPropertyName("project")]
    public string? Project { get; set; }

    /// <summary><c>target</c>.</summary>
    [JsonPropertyName("target")]
    public LxdInstancePostTarget? Target { get; set; }

    /// <summary><c>Config</c>.</summary>
    [JsonPropertyName("Config")]
    public IDictionary<string, string>? Config { get; set; }

    /// <summary><c>Devices</c>.</summary>
    [JsonPropertyName("Devices")]
    public IDictionary<string, IDictionary<string, string>>? Devices { get; set; }

    /// <summary><c>Profiles</c>.</summary>
    [JsonPropertyName("Profiles")]
    public IList<string>? Profiles { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>InstancePostTarget</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdInstancePostTarget
{
    /// <summary><c>certificate</c>.</summary>
    [JsonPropertyName("certificate")]
    public string? Certificate { get; set; }

    /// <summary><c>operation</c>.</summary>
    [JsonPropertyName("operation")]
    public string? Operation { get; set; }

    /// <summary><c>secrets</c>.</summary>
    [JsonPropertyName("secrets")]
    public IDictionary<string, string>? Secrets { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>InstancePut</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdInstancePut
{
    /// <summary><c>architecture</c>.</summary>
    [JsonPropertyName("architecture")]
    public string? Architecture { get; set; }

    /// <summary><c>config</c>.</summary>
    [JsonPropertyName("config")]
    public IDictionary<string, string>? Config { get; set; }

    /// <summary><c>description</c>.</summary>
    [JsonPropertyName("description")]
    public string? Description { get; set; }

    /// <summary><c>devices</c>.</summary>
    [JsonPropertyName("devices")]
    public IDictionary<string, IDictionary<string, string>>? Devices { get; set; }

    /// <summary><c>ephemeral</c>.</summary>
    [JsonPropertyName("ephemeral")]
    public bool? Ephemeral { get; set; }

    /// <summary><c>profiles</c>.</summary>
    [JsonPropertyName("profiles")]
    public IList<string>? Profiles { get; set; }

    /// <summary><c>restore</c>.</summary>
    [JsonPropertyName("restore")]
    public string? Restore { get; set; }

    /// <summary><c>stateful</c>.</summary>
    [JsonPropertyName("stateful")]
    public bool? Stateful { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>InstanceRebuildPost</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdInstanceRebuildPost
{
    /// <summary><c>source</c>.</summary>
    [JsonPropertyName("source")]
    public LxdInstanceSource? Source { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>InstanceSnapshot</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdInstanceSnapshot
{
    /// <summary><c>architecture</c>.</summary>
    [JsonPropertyName("architecture")]
    public string? Architecture { get; set; }

    /// <summary><c>config</c>.</summary>
    [JsonPropertyName("config")]
    public IDictionary<string, string>? Config { get; set; }

    /// <summary><c>created_at</c>.</summary>
    [JsonPropertyName("created_at")]
    public DateTimeOffset? CreatedAt { get; set; }

    /// <summary><c>devices</c>.</summary>
    [JsonPropertyName("devices")]
    public IDictionary<string, IDictionary<string, string>>? Devices { get; set; }

    /// <summary><c>ephemeral</c>.</summary>
    [JsonPropertyName("ephemeral")]
    public bool? Ephemeral { get; set; }

    /// <summary><c>expanded_config</c>.</summary>
    [JsonPropertyName("expanded_config")]
    public IDictionary<string, string>? ExpandedConfig { get; set; }

    /// <summary><c>expanded_devices</c>.</summary>
    [JsonPropertyName("expanded_devices")]
    public IDictionary<string, IDictionary<string, string>>? ExpandedDevices { get; set; }

    /// <summary><c>expires_at</c>.</summary>
    [JsonPropertyName("expires_at")]
    public DateTimeOffset? ExpiresAt { get; set; }

    /// <summary><c>last_used_at</c>.</summary>
    [JsonPropertyName("last_used_at")]
    public DateTimeOffset? LastUsedAt { get; set; }

    /// <summary><c>name</c>.</summary>
    [JsonPropertyName("name")]
    public string? Name { get; set; }

    /// <summary><c>profiles</c>.</summary>
    [JsonPropertyName("profiles")]
    public IList<string>? Profiles { get; set; }

    /// <summary><c>size</c>.</summary>
    [JsonPropertyName("size")]
    public long? Size { get; set; }

    /// <summary><c>stateful</c>.</summary>
    [JsonPropertyName("stateful")]
    public bool? Stateful { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>InstanceSnapshotPost</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdInstanceSnapshotPost
{
    /// <summary><c>live</c>.</summary>
    [JsonPropertyName("live")]
    public bool? Live { get; set; }

    /// <summary><c>migration</c>.</summary>
    [JsonPropertyName("migration")]
    public bool? Migration { get; set; }

    /// <summary><c>name</c>.</summary>
    [JsonPropertyName("name")]
    public string? Name { get; set; }

    /// <summary><c>target</c>.</summary>
    [JsonPropertyName("target")]
    public LxdInstancePostTarget? Target { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>InstanceSnapshotPut</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdInstanceSnapshotPut
{
    /// <summary><c>expires_at</c>.</summary>
    [JsonPropertyName("expires_at")]
    public DateTimeOffset? ExpiresAt { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>InstanceSnapshotsPost</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdInstanceSnapshotsPost
{
    /// <summary><c>expires_at</c>.</summary>
    [JsonPropertyName("expires_at")]
    public DateTimeOffset? ExpiresAt { get; set; }

    /// <summary><c>name</c>.</summary>
    [JsonPropertyName("name")]
    public string? Name { get; set; }

    /// <summary><c>stateful</c>.</summary>
    [JsonPropertyName("stateful")]
    public bool? Stateful { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>InstanceSource</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdInstanceSource
{
    /// <summary><c>alias</c>.</summary>
    [JsonPropertyName("alias")]
    public string? Alias { get; set; }

    /// <summary><c>allow_inconsistent</c>.</summary>
    [JsonPropertyName("allow_inconsistent")]
    public bool? AllowInconsistent { get; set; }

    /// <summary><c>base-image</c>.</summary>
    [JsonPropertyName("base-image")]
    public string? BaseImage { get; set; }

    /// <summary><c>certificate</c>.</summary>
    [JsonPropertyName("certificate")]
    public string? Certificate { get; set; }

    /// <summary><c>container_only</c>.</summary>
    [JsonPropertyName("container_only")]
    public bool? ContainerOnly { get; set; }

    /// <summary><c>fingerprint</c>.</summary>
    [JsonPropertyName("fingerprint")]
    public string? Fingerprint { get; set; }

    /// <summary><c>instance_only</c>.</summary>
    [JsonPropertyName("instance_only")]
    public bool? InstanceOnly { get; set; }

    /// <summary><c>live</c>.</summary>
    [JsonPropertyName("live")]
    public bool? Live { get; set; }

    /// <summary><c>mode</c>.</summary>
    [JsonPropertyName("mode")]
    public string? Mode { get; set; }

    /// <summary><c>operation</c>.</summary>
    [JsonPropertyName("operation")]
    public string? Operation { get; set; }

    /// <summary><c>project</c>.</summary>
    [JsonPropertyName("project")]
    public string? Project { get; set; }

    /// <summary><c>properties</c>.</summary>
    [JsonPropertyName("properties")]
    public IDictionary<string, string>? Properties { get; set; }

    /// <summary><c>protocol</c>.</summary>
    [JsonPropertyName("protocol")]
    public string? Protocol { get; set; }

    /// <summary><c>refresh</c>.</summary>
    [JsonPropertyName("refresh")]
    public bool? Refresh { get; set; }

    /// <summary><c>secret</c>.</summary>
    [JsonPropertyName("secret")]
    public string? Secret { get; set; }

    /// <summary><c>secrets</c>.</summary>
    [JsonPropertyName("secrets")]
    public IDictionary<string, string>? Secrets { get; set; }

    /// <summary><c>server</c>.</summary>
    [JsonPropertyName("server")]
    public string? Server { get; set; }

    /// <summary><c>source</c>.</summary>
    [JsonPropertyName("source")]
    public string? Source { get; set; }

    /// <summary><c>type</c>.</summary>
    [JsonPropertyName("type")]
    public string? Type { get; set; }

    /// <summary><c>refresh_exclude_older</c>.</summary>
    [JsonPropertyName("refresh_exclude_older")]
    public bool? RefreshExcludeOlder { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>InstanceState</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdInstanceState
{
    /// <summary><c>cpu</c>.</summary>
    [JsonPropertyName("cpu")]
    public LxdInstanceStateCpu? Cpu { get; set; }

    /// <summary><c>disk</c>.</summary>
    [JsonPropertyName("disk")]
    public IDictionary<string, LxdInstanceStateDisk>? Disk { get; set; }

    /// <summary><c>memory</c>.</summary>
    [JsonPropertyName("memory")]
    public LxdInstanceStateMemory? Memory { get; set; }

    /// <summary><c>network</c>.</summary>
    [JsonPropertyName("network")]
    public IDictionary<string, LxdInstanceStateNetwork>? Network { get; set; }

    /// <summary><c>pid</c>.</summary>
    [JsonPropertyName("pid")]
    public long? Pid { get; set; }

    /// <summary><c>processes</c>.</summary>
    [JsonPropertyName("processes")]
    public long? Processes { get; set; }

    /// <summary><c>status</c>.</summary>
    [JsonPropertyName("status")]
    public string? Status { get; set; }

    /// <summary><c>status_code</c>.</summary>
    [JsonPropertyName("status_code")]
    public long? StatusCode { get; set; }

    /// <summary><c>os_info</c>.</summary>
    [JsonPropertyName("os_info")]
    public LxdInstanceStateOsInfo? OsInfo { get; set; }

    /// <summary><c>started_at</c>.</summary>
    [JsonPropertyName("started_at")]
    public DateTimeOffset? StartedAt { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>InstanceStateCpu</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdInstanceStateCpu
{
    /// <summary><c>usage</c>.</summary>
    [JsonPropertyName("usage")]
    public long? Usage { get; set; }

    /// <summary><c>allocated_time</c>.</summary>
    [JsonPropertyName("allocated_time")]
    public long? AllocatedTime { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>InstanceStateDisk</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdInstanceStateDisk
{
    /// <summary><c>usage</c>.</summary>
    [JsonPropertyName("usage")]
    public long? Usage { get; set; }

    /// <summary><c>total</c>.</summary>
    [JsonPropertyName("total")]
    public long? Total { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>InstanceStateMemory</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdInstanceStateMemory
{
    /// <summary><c>swap_usage</c>.</summary>
    [JsonPropertyName("swap_usage")]
    public long? SwapUsage { get; set; }

    /// <summary><c>swap_usage_peak</c>.</summary>
    [JsonPropertyName("swap_usage_peak")]
    public long? SwapUsagePeak { get; set; }

    /// <summary><c>usage</c>.</summary>
    [JsonPropertyName("usage")]
    public long? Usage { get; set; }

    /// <summary><c>usage_peak</c>.</summary>
    [JsonPropertyName("usage_peak")]
    public long? UsagePeak { get; set; }

    /// <summary><c>total</c>.</summary>
    [JsonPropertyName("total")]
    public long? Total { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>InstanceStateNetwork</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdInstanceStateNetwork
{
    /// <summary><c>addresses</c>.</summary>
    [JsonPropertyName("addresses")]
    public IList<LxdInstanceStateNetworkAddress>? Addresses { get; set; }

    /// <summary><c>counters</c>.</summary>
    [JsonPropertyName("counters")]
    public LxdInstanceStateNetworkCounters? Counters { get; set; }

    /// <summary><c>host_name</c>.</summary>
    [JsonPropertyName("host_name")]
    public string? HostName { get; set; }

    /// <summary><c>hwaddr</c>.</summary>
    [JsonPropertyName("hwaddr")]
    public string? Hwaddr { get; set; }

    /// <summary><c>mtu</c>.</summary>
    [JsonPropertyName("mtu")]
    public long? Mtu { get; set; }

    /// <summary><c>state</c>.</summary>
    [JsonPropertyName("state")]
    public string? State { get; set; }

    /// <summary><c>type</c>.</summary>
    [JsonPropertyName("type")]
    public string? Type { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>InstanceStateNetworkAddress</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdInstanceStateNetworkAddress
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

/// <summary><c>InstanceStateNetworkCounters</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdInstanceStateNetworkCounters
{
    /// <summary><c>bytes_received</c>.</summary>
    [JsonPropertyName("bytes_received")]
    public long? BytesReceived { get; set; }

    /// <summary><c>bytes_sent</c>.</summary>
    [JsonPropertyName("bytes_sent")]
    public long? BytesSent { get; set; }

    /// <summary><c>errors_received</c>.</summary>
    [JsonPropertyName("errors_received")]
    public long? ErrorsReceived { get; set; }

    /// <summary><c>errors_sent</c>.</summary>
    [JsonPropertyName("errors_sent")]
    public long? ErrorsSent { get; set; }

    /// <summary><c>packets_dropped_inbound</c>.</summary>
    [JsonPropertyName("packets_dropped_inbound")]
    public long? PacketsDroppedInbound { get; set; }

    /// <summary><c>packets_dropped_outbound</c>.</summary>
    [JsonPropertyName("packets_dropped_outbound")]
    public long? PacketsDroppedOutbound { get; set; }

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

/// <summary><c>InstanceStateOsInfo</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdInstanceStateOsInfo
{
    /// <summary><c>fqdn</c>.</summary>
    [JsonPropertyName("fqdn")]
    public string? Fqdn { get; set; }

    /// <summary><c>hostname</c>.</summary>
    [JsonPropertyName("hostname")]
    public string? Hostname { get; set; }

    /// <summary><c>kernel_version</c>.</summary>
    [JsonPropertyName("kernel_version")]
    public string? KernelVersion { get; set; }

    /// <summary><c>os</c>.</summary>
    [JsonPropertyName("os")]
    public string? Os { get; set; }

    /// <summary><c>os_version</c>.</summary>
    [JsonPropertyName("os_version")]
    public string? OsVersion { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>InstanceStatePut</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdInstanceStatePut
{
    /// <summary><c>action</c>.</summary>
    [JsonPropertyName("action")]
    public string? Action { get; set; }

    /// <summary><c>force</c>.</summary>
    [JsonPropertyName("force")]
    public bool? Force { get; set; }

    /// <summary><c>stateful</c>.</summary>
    [JsonPropertyName("stateful")]
    public bool? Stateful { get; set; }

    /// <summary><c>timeout</c>.</summary>
    [JsonPropertyName("timeout")]
    public long? Timeout { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>InstancesPost</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdInstancesPost
{
    /// <summary><c>architecture</c>.</summary>
    [JsonPropertyName("architecture")]
    public string? Architecture { get; set; }

    /// <summary><c>config</c>.</summary>
    [JsonPropertyName("config")]
    public IDictionary<string, string>? Config { get; set; }

    /// <summary><c>description</c>.</summary>
    [JsonPropertyName("description")]
    public string? Description { get; set; }

    /// <summary><c>devices</c>.</summary>
    [JsonPropertyName("devices")]
    public IDictionary<string, IDictionary<string, string>>? Devices { get; set; }

    /// <summary><c>ephemeral</c>.</summary>
    [JsonPropertyName("ephemeral")]
    public bool? Ephemeral { get; set; }

    /// <summary><c>instance_type</c>.</summary>
    [JsonPropertyName("instance_type")]
    public string? InstanceType { get; set; }

    /// <summary><c>name</c>.</summary>
    [JsonPropertyName("name")]
    public string? Name { get; set; }

    /// <summary><c>profiles</c>.</summary>
    [JsonPropertyName("profiles")]
    public IList<string>? Profiles { get; set; }

    /// <summary><c>restore</c>.</summary>
    [JsonPropertyName("restore")]
    public string? Restore { get; set; }

    /// <summary><c>source</c>.</summary>
    [JsonPropertyName("source")]
    public LxdInstanceSource? Source { get; set; }

    /// <summary><c>stateful</c>.</summary>
    [JsonPropertyName("stateful")]
    public bool? Stateful { get; set; }

    /// <summary><c>type</c>.</summary>
    [JsonPropertyName("type")]
    public string? Type { get; set; }

    /// <summary><c>start</c>.</summary>
    [JsonPropertyName("start")]
    public bool? Start { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary><c>InstancesPut</c> of the API. What is null is not sent, or was not said.</summary>
[GeneratedCode("generate-lxd", null)]
public sealed class LxdInstancesPut
{
    /// <summary><c>state</c>.</summary>
    [JsonPropertyName("state")]
    public LxdInstanceStatePut? State { get; set; }

    /// <summary>What a newer server says beside; sent back as it came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}
