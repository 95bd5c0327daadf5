namespace Hypervisor.Sdk;

/// <summary>Something that happened at a backend. Events of one instance come in their order; events of different instances may not.</summary>
public abstract class BackendEvent
{
    private protected BackendEvent()
    {
    }

    /// <summary>When: the backend's time where it says one, else when the driver heard of it.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>Where in the stream of events.</summary>
    public required EventPosition Position { get; init; }

    /// <summary>How the driver came to know.</summary>
    public EventOrigin Origin { get; init; }
}
