namespace Hypervisor.Sdk;

/// <summary>Something about an instance changed that is not its power state: configuration, devices, addresses, snapshots.</summary>
public sealed class InstanceChanged : BackendEvent
{
    /// <summary>The instance.</summary>
    public required InstanceId Id { get; init; }

    /// <summary>The revision of its configuration now, where it is known.</summary>
    public Revision? Revision { get; init; }
}
