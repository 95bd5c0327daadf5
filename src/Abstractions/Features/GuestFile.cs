namespace Hypervisor.Sdk;

/// <summary>An entry of a directory in the guest.</summary>
public sealed class GuestFile
{
    /// <summary>Its name as the guest says it.</summary>
    public required string Name { get; init; }

    /// <summary>What it is: <c>file</c>, <c>directory</c>, <c>symlink</c>; of guests whose agent tells more apart also <c>pipe</c>, <c>socket</c>, <c>device</c>, <c>other</c>.</summary>
    public required string Kind { get; init; }

    /// <summary>Its size.</summary>
    public ByteSize? Size { get; init; }

    /// <summary>Its owner and mode.</summary>
    public GuestFileAttributes? Attributes { get; init; }
}
