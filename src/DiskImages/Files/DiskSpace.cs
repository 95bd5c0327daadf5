namespace Hypervisor.Sdk.DiskImages;

/// <summary>The space of a file system.</summary>
/// <param name="Capacity">What it can hold.</param>
/// <param name="Free">What nobody has taken, what is kept back for the administrator included.</param>
/// <param name="Available">What this process may still write.</param>
public readonly record struct DiskSpace(ByteSize Capacity, ByteSize Free, ByteSize Available);
