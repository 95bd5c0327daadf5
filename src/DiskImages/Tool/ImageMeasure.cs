namespace Hypervisor.Sdk.DiskImages;

/// <summary>How large a file an image would become.</summary>
/// <param name="Required">With the data that there is.</param>
/// <param name="FullyAllocated">Once every byte of it has been written.</param>
public readonly record struct ImageMeasure(ByteSize Required, ByteSize FullyAllocated);
