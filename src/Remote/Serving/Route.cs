namespace Hypervisor.Sdk.Remote.Serving;

/// <summary>Carries out a call, and returns what it is answered or ended with.</summary>
internal delegate Task<ReadOnlyMemory<byte>> Route(ServedCall call);
