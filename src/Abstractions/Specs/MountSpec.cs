namespace Hypervisor.Sdk;

/// <summary>Something mounted in a container.</summary>
public sealed class MountSpec
{
    /// <summary>Where: an absolute path in the container.</summary>
    public required string Target { get; set; }

    /// <summary>What.</summary>
    public required DiskContent Source { get; set; }

    /// <summary>Whether the container cannot write to it. Default false.</summary>
    public bool ReadOnly { get; set; }
}
