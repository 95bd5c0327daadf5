namespace Hypervisor.Sdk.DiskImages;

/// <summary>What a server says of a stretch: its length in bytes and the flags of the context that was asked.</summary>
internal readonly record struct NbdExtent(uint Length, uint Flags);
