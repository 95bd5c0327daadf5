namespace Hypervisor.Sdk.Libvirt;

/// <summary>A part of a host whose processors reach its memory fastest.</summary>
public sealed class LibvirtNumaCell
{
    /// <summary>Its number.</summary>
    public required int Id { get; init; }

    /// <summary>Its memory; null where the host does not say.</summary>
    public ByteSize? Memory { get; init; }

    /// <summary>What of it is free.</summary>
    public ByteSize? FreeMemory { get; init; }

    /// <summary>The numbers of its processors.</summary>
    public IReadOnlyList<int> Cpus { get; init; } = [];
}
