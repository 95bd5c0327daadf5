using System.Net;

namespace Hypervisor.Sdk;

/// <summary>How a hypervisor reaches the bytes of a volume: one of the nested records.</summary>
public abstract record VolumeAttachment
{
    /// <summary>A way of its own.</summary>
    /// <param name="kind">The word for it.</param>
    protected VolumeAttachment(string kind)
    {
        ArgumentException.ThrowIfNullOrEmpty(kind);
        Kind = kind;
    }

    /// <summary>The word for it: <c>file</c>, <c>block</c>, <c>rbd</c>, <c>iscsi</c>, <c>nbd</c>, <c>managed</c>.</summary>
    public string Kind { get; }

    /// <summary>A file on the node.</summary>
    /// <param name="Path">Its absolute path.</param>
    /// <param name="Format">Its format: <c>qcow2</c> or <c>raw</c>.</param>
    public sealed record File(string Path, string Format) : VolumeAttachment("file");

    /// <summary>A block device on the node.</summary>
    /// <param name="Path">Its absolute path.</param>
    public sealed record BlockDevice(string Path) : VolumeAttachment("block");

    /// <summary>A Ceph block device image.</summary>
    /// <param name="Pool">The Ceph pool.</param>
    /// <param name="Image">The image.</param>
    public sealed record Rbd(string Pool, string Image) : VolumeAttachment("rbd")
    {
        /// <summary>The absolute path of the Ceph configuration on the node, which the hypervisor's own user must be able to read.</summary>
        public required string ConfigurationPath { get; init; }

        /// <summary>The namespace within the pool; null for the pool's default one.</summary>
        public string? Namespace { get; init; }

        /// <summary>The Ceph user, without <c>client.</c>; <c>admin</c> unless told.</summary>
        public string User { get; init; } = "admin";

        /// <summary>The Ceph user's key, in base64 as Ceph writes it.</summary>
        public required SecretReference Key { get; init; }
    }

    /// <summary>A logical unit of an iSCSI target.</summary>
    /// <param name="Target">The target's name.</param>
    /// <param name="Lun">The unit's number.</param>
    public sealed record Iscsi(string Target, int Lun) : VolumeAttachment("iscsi")
    {
        /// <summary>Where the target answers.</summary>
        public required IReadOnlyList<DnsEndPoint> Portals { get; init; }

        /// <summary>The CHAP user; null when the target asks for none.</summary>
        public string? ChapUser { get; init; }

        /// <summary>The CHAP secret; null when the target asks for none.</summary>
        public SecretReference? ChapSecret { get; init; }
    }

    /// <summary>A network block device.</summary>
    /// <param name="Export">Its address: <c>nbd://host:port/name</c> or <c>nbd+unix:///name?socket=path</c>.</param>
    public sealed record Nbd(Uri Export) : VolumeAttachment("nbd");

    /// <summary>A volume of the hypervisor's own (LXD, Proxmox VE, libvirt): it knows the way itself.</summary>
    /// <param name="Volume">The volume.</param>
    public sealed record Managed(VolumeId Volume) : VolumeAttachment("managed");
}
