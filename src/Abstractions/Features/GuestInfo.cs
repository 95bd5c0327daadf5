namespace Hypervisor.Sdk;

/// <summary>What a guest says about itself: text of the guest's, untrusted.</summary>
public sealed class GuestInfo
{
    /// <summary>The agent and its version.</summary>
    public required string Agent { get; init; }

    /// <summary>The guest's host name.</summary>
    public string? HostName { get; init; }

    /// <summary>The guest's operating system.</summary>
    public string? OperatingSystem { get; init; }

    /// <summary>The guest's kernel.</summary>
    public string? Kernel { get; init; }

    /// <summary>The guest's network devices with their addresses.</summary>
    public IReadOnlyList<GuestNetworkInterface> Networks { get; init; } = [];
}
