namespace Hypervisor.Sdk;

/// <summary>What a backend is.</summary>
public sealed class BackendInfo
{
    /// <summary>The kind of driver: <c>qemu</c>, <c>lxd</c>, <c>libvirt</c>.</summary>
    public required string Kind { get; init; }

    /// <summary>The server's version as it says it.</summary>
    public required string ServerVersion { get; init; }

    /// <summary>The server's version, to be compared; null when it is not a number.</summary>
    public Version? ParsedVersion { get; init; }

    /// <summary>Where it is. Never contains credentials.</summary>
    public required Uri Endpoint { get; init; }

    /// <summary>What names it accepts in requests.</summary>
    public required NamingRules Naming { get; init; }
}
