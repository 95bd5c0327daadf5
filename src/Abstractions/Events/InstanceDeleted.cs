namespace Hypervisor.Sdk;

/// <summary>An instance is gone.</summary>
public sealed class InstanceDeleted : BackendEvent
{
    /// <summary>The id that it had.</summary>
    public required InstanceId Id { get; init; }
}
