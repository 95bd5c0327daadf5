namespace Hypervisor.Sdk.DiskImages;

/// <summary>How much of an image's space is taken when it is made.</summary>
public enum ImagePreallocation
{
    /// <summary>None: it is taken as it is written.</summary>
    Off,

    /// <summary>The tables of qcow2, not the data.</summary>
    Metadata,

    /// <summary>All of it, without writing it (fallocate).</summary>
    Falloc,

    /// <summary>All of it, by writing zeros.</summary>
    Full,
}
