using System.Net;

namespace Hypervisor.Sdk.Lxd;

/// <summary>Ports of an address that lead into a network.</summary>
public sealed class LxdForwardedPorts
{
    /// <summary>The first port, 1 to 65535.</summary>
    public required int First { get; init; }

    /// <summary>The last one. Default: the first.</summary>
    public int? Last { get; init; }

    /// <summary><c>tcp</c> or <c>udp</c>. Default <c>tcp</c>.</summary>
    public string Protocol { get; init; } = "tcp";

    /// <summary>The instance's address in the network.</summary>
    public required IPAddress Target { get; init; }

    /// <summary>The instance's port for the first one, the others behind it. Default: the same ports.</summary>
    public int? TargetPort { get; init; }
}
