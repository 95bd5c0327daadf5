namespace Hypervisor.Sdk;

/// <summary>An instance was created.</summary>
public sealed class InstanceCreated : BackendEvent
{
    /// <summary>Its id.</summary>
    public required InstanceId Id { get; init; }
}
