namespace Hypervisor.Sdk.Drivers;

/// <summary>What the guest agent has read of a file.</summary>
/// <param name="Bytes">The bytes; there may be some at the end too.</param>
/// <param name="IsEnd">Whether the file ends behind them.</param>
public readonly record struct GuestAgentPart(ReadOnlyMemory<byte> Bytes, bool IsEnd);
