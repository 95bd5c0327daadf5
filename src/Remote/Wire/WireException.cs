namespace Hypervisor.Sdk.Remote.Wire;

/// <summary>The other end said what it must not: the connection is closed.</summary>
internal sealed class WireException(string message) : Exception(message);
