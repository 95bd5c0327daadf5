namespace Hypervisor.Sdk;

/// <summary>A machine that runs instances.</summary>
public sealed class Node
{
    /// <summary>Its name.</summary>
    public required NodeName Name { get; init; }

    /// <summary>Its processor architecture.</summary>
    public required Architecture Architecture { get; init; }

    /// <summary>Architectures that it can run by emulation.</summary>
    public IReadOnlyList<Architecture> Emulated { get; init; } = [];

    /// <summary>Its CPUs.</summary>
    public int? Cpus { get; init; }

    /// <summary>Its memory.</summary>
    public ByteSize? Memory { get; init; }

    /// <summary>Memory that could be given to instances now.</summary>
    public ByteSize? MemoryAvailable { get; init; }

    /// <summary>Whether it answers.</summary>
    public bool IsOnline { get; init; } = true;
}
