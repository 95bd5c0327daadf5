namespace Hypervisor.Sdk.AspNetCore;

/// <summary>An event as JSON, made once for all sockets. After a gap, everything is observed anew.</summary>
internal readonly record struct QueuedEvent(ReadOnlyMemory<byte> Json, bool IsGap);
