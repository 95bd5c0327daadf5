using System.Net;

namespace Hypervisor.Sdk;

/// <summary>A port of the host that leads into an instance.</summary>
public sealed class PortForward
{
    /// <summary>Addresses it within the instance.</summary>
    public required DeviceId Id { get; init; }

    /// <summary>Where the host listens.</summary>
    public required IPEndPoint Host { get; init; }

    /// <summary>The port in the instance.</summary>
    public required int GuestPort { get; init; }

    /// <summary><c>tcp</c> or <c>udp</c>.</summary>
    public required string Protocol { get; init; }
}
