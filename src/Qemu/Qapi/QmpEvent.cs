namespace Hypervisor.Sdk.Qemu.Qapi;

/// <summary>Something that happened in QEMU. Each event has a class of its own; one that this library does not know is an <see cref="UnknownQmpEvent"/>.</summary>
public abstract class QmpEvent : QapiObject
{
    private protected QmpEvent()
    {
    }

    /// <summary>Which event.</summary>
    public abstract QmpEventName EventName { get; }

    /// <summary>When it happened by the host's clock, or null when QEMU could not tell.</summary>
    public DateTimeOffset? Timestamp { get; init; }
}
