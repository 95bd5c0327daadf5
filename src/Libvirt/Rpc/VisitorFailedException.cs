namespace Hypervisor.Sdk.Libvirt.Rpc;

/// <summary>A visitor of a message has thrown.</summary>
internal sealed class VisitorFailedException(Exception inner) : Exception(inner.Message, inner);
