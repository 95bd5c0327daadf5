namespace Hypervisor.Sdk;

/// <summary>A part of a disk.</summary>
/// <param name="Offset">Where it begins, in bytes.</param>
/// <param name="Length">How long it is, in bytes.</param>
/// <param name="IsZero">Whether it is known to hold zeros: it need not be read.</param>
public readonly record struct Extent(long Offset, long Length, bool IsZero);
