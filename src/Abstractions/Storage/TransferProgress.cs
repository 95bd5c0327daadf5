namespace Hypervisor.Sdk;

/// <summary>How far a transfer is.</summary>
/// <param name="Bytes">Moved so far.</param>
/// <param name="TotalBytes">In all, where it is known.</param>
public readonly record struct TransferProgress(long Bytes, long? TotalBytes);
