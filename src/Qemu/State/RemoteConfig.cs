using System.Globalization;
using System.Text.Json.Serialization;

namespace Hypervisor.Sdk.Qemu.State;

/// <summary>A volume that QEMU reaches by a protocol.</summary>
internal sealed record RemoteConfig
{
    public const string Nbd = "nbd";
    public const string Iscsi = "iscsi";
    public const string Rbd = "rbd";

    /// <summary>The protocol: one of these words.</summary>
    public required string Kind { get; init; }

    /// <summary>Of NBD on this host: the socket.</summary>
    public string? Socket { get; init; }

    /// <summary>Of NBD and iSCSI elsewhere.</summary>
    public string? Host { get; init; }

    public int Port { get; init; }

    /// <summary>Of NBD the export, of iSCSI the target, of Ceph the image.</summary>
    public required string Name { get; init; }

    /// <summary>Of iSCSI.</summary>
    public int Lun { get; init; }

    /// <summary>Of Ceph.</summary>
    public string? Pool { get; init; }

    /// <summary>Of Ceph: a part of the pool.</summary>
    public string? Namespace { get; init; }

    /// <summary>Of Ceph: its configuration on this host.</summary>
    public string? ConfigurationPath { get; init; }

    /// <summary>Of iSCSI and Ceph: who logs in.</summary>
    public string? User { get; init; }

    /// <summary>What proves that. The secret itself is written down nowhere.</summary>
    public SecretReference? Secret { get; init; }

    /// <summary>What to call it.</summary>
    [JsonIgnore]
    public string Address => Kind switch
    {
        Nbd => Socket is null ? string.Create(CultureInfo.InvariantCulture, $"nbd://{Host}:{Port}/{Name}") : $"nbd+unix:///{Name}?socket={Socket}",
        Iscsi => string.Create(CultureInfo.InvariantCulture, $"iscsi://{Host}:{Port}/{Name}/{Lun}"),
        _ => Namespace is null ? $"rbd:{Pool}/{Name}" : $"rbd:{Pool}/{Namespace}/{Name}",
    };
}
