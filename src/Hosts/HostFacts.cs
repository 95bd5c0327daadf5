namespace Hypervisor.Sdk.Hosts;

/// <summary>What a node is, in its own words.</summary>
public sealed class HostFacts
{
    /// <summary>The system: <c>Linux</c> (<c>uname -s</c>).</summary>
    public required string SystemName { get; init; }

    /// <summary>The kernel's release: <c>6.1.0-37-amd64</c> (<c>uname -r</c>).</summary>
    public required string KernelRelease { get; init; }

    /// <summary>The processor: <c>x86_64</c>, <c>aarch64</c> (<c>uname -m</c>).</summary>
    public required string MachineName { get; init; }

    /// <summary>The name that it gives itself (<c>uname -n</c>).</summary>
    public required string HostName { get; init; }

    /// <summary>The user as whom the session works.</summary>
    public required string UserName { get; init; }

    /// <summary>The number of that user, 0 for root; null where users have none.</summary>
    public int? UserId { get; init; }

    /// <summary>The home directory of that user.</summary>
    public required string HomeDirectory { get; init; }

    /// <summary>The processors that are online; null where the node does not say.</summary>
    public int? Processors { get; init; }

    /// <summary>Names this start of the node's kernel: another one after a reboot. Null where there is none.</summary>
    public string? BootId { get; init; }
}
