namespace Hypervisor.Sdk;

/// <summary>The power state of an instance changed.</summary>
public sealed class InstanceStateChanged : BackendEvent
{
    /// <summary>The instance.</summary>
    public required InstanceId Id { get; init; }

    /// <summary>The state before, where it is known.</summary>
    public PowerState? From { get; init; }

    /// <summary>The state now.</summary>
    public required PowerState To { get; init; }

    /// <summary>Why, where the backend says.</summary>
    public string? Reason { get; init; }
}
