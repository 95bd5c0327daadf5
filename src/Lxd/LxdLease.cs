using System.Net;

namespace Hypervisor.Sdk.Lxd;

/// <summary>An address of a network that is handed out or fixed.</summary>
public sealed class LxdLease
{
    /// <summary>The address.</summary>
    public required IPAddress Address { get; init; }

    /// <summary>Whose; null where the server does not say.</summary>
    public MacAddress? Mac { get; init; }

    /// <summary>What the guest calls itself; null where it did not say.</summary>
    public string? HostName { get; init; }

    /// <summary>Why it has it, in the servers' words: <c>dynamic</c>, <c>static</c>, <c>gateway</c>, <c>uplink</c>.</summary>
    public required string Kind { get; init; }
}
