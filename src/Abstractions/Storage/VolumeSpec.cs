namespace Hypervisor.Sdk;

/// <summary>What a volume is made of.</summary>
public sealed class VolumeSpec
{
    /// <summary>The pool.</summary>
    public required PoolName Pool { get; set; }

    /// <summary>The name. Default: the backend makes one up.</summary>
    public string? Name { get; set; }

    /// <summary>What a guest sees.</summary>
    public required ByteSize Size { get; set; }

    /// <summary>The format, in the backend's words. Default: the backend's best.</summary>
    public string? Format { get; set; }

    /// <summary>Whether space is taken only as it is written. Default true.</summary>
    public bool Thin { get; set; } = true;

    /// <summary>The instance that it is for: recorded where the backend can.</summary>
    public InstanceRef? Owner { get; set; }
}
