namespace Hypervisor.Sdk.DiskImages;

/// <summary>A stretch of what a guest sees, and where it comes from.</summary>
/// <param name="Start">Where it begins, in bytes.</param>
/// <param name="Length">How long it is, in bytes.</param>
/// <param name="Depth">Which image of the chain it is from: 0 is the uppermost.</param>
/// <param name="IsData">Whether bytes were written there.</param>
/// <param name="IsZero">Whether it reads as zeros.</param>
/// <param name="FileOffset">Where it is in the file, in bytes; null when it is nowhere, or compressed.</param>
public readonly record struct ImageExtent(long Start, long Length, int Depth, bool IsData, bool IsZero, long? FileOffset);
