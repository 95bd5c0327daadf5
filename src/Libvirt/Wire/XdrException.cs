namespace Hypervisor.Sdk.Libvirt.Protocol;

/// <summary>Bytes that are not the form of what they should be.</summary>
internal sealed class XdrException(string message) : FormatException(message);
