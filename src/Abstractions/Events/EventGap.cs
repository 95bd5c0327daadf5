namespace Hypervisor.Sdk;

/// <summary>Events are missing here: the connection was lost, or the reader was too slow. List again to know what is so now.</summary>
public sealed class EventGap : BackendEvent
{
    /// <summary>Why, for a person.</summary>
    public required string Reason { get; init; }
}
