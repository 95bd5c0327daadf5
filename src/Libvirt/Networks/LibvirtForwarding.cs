namespace Hypervisor.Sdk.Libvirt;

/// <summary>How a network that is made reaches the others.</summary>
public enum LibvirtForwarding
{
    /// <summary>Out by the host's own address; nothing in.</summary>
    Nat,

    /// <summary>Both ways, by routes that others must know.</summary>
    Routed,

    /// <summary>Not at all: the guests and the host only.</summary>
    Isolated,

    /// <summary>It is a bridge that the host has already.</summary>
    Bridge,
}
