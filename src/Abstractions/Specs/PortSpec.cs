using System.Net;

namespace Hypervisor.Sdk;

/// <summary>A port of the host that leads into a container.</summary>
public sealed class PortSpec
{
    /// <summary>The port in the container, 1 to 65535.</summary>
    public required int Guest { get; set; }

    /// <summary>The port of the host, 1 to 65535. Default: the backend chooses.</summary>
    public int? Host { get; set; }

    /// <summary>The address of the host. Default: loopback only.</summary>
    public IPAddress? Address { get; set; }

    /// <summary><c>tcp</c> or <c>udp</c>. Default <c>tcp</c>.</summary>
    public string Protocol { get; set; } = "tcp";
}
