namespace Hypervisor.Sdk.Libvirt;

/// <summary>How a daemon is reached.</summary>
public enum LibvirtTransport
{
    /// <summary>A unix socket on this machine.</summary>
    Unix,

    /// <summary>TCP, neither encrypted nor verified.</summary>
    Tcp,

    /// <summary>TLS.</summary>
    Tls,

    /// <summary>The daemon's unix socket on another machine, forwarded by OpenSSH.</summary>
    Ssh,
}
