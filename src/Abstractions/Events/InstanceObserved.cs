namespace Hypervisor.Sdk;

/// <summary>An instance that was there when the watch began.</summary>
public sealed class InstanceObserved : BackendEvent
{
    /// <summary>The instance.</summary>
    public required Instance Instance { get; init; }
}
