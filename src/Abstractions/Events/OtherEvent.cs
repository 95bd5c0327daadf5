namespace Hypervisor.Sdk;

/// <summary>Something that only this kind of backend has a word for.</summary>
public sealed class OtherEvent : BackendEvent
{
    /// <summary>The backend's word.</summary>
    public required string NativeType { get; init; }

    /// <summary>The instance that it is about, where there is one.</summary>
    public InstanceId? Id { get; init; }

    /// <summary>The backend's own event, where it has a form.</summary>
    public NativeDocument? Document { get; init; }
}
