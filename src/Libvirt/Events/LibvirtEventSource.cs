namespace Hypervisor.Sdk.Libvirt;

/// <summary>What an event is about. Each source numbers its callbacks by itself.</summary>
public enum LibvirtEventSource
{
    /// <summary>Domains.</summary>
    Domain,

    /// <summary>Networks.</summary>
    Network,

    /// <summary>Storage pools.</summary>
    StoragePool,

    /// <summary>Node devices.</summary>
    NodeDevice,

    /// <summary>Secrets.</summary>
    Secret,

    /// <summary>Events of QEMU's own monitors.</summary>
    QemuMonitor,

    /// <summary>The daemon's own connection to its hypervisor.</summary>
    Connect,
}
