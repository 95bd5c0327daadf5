namespace Hypervisor.Sdk;

/// <summary>How a driver came to know of an event.</summary>
public enum EventOrigin
{
    /// <summary>The backend said so.</summary>
    Native,

    /// <summary>The driver compared two answers: what came and went between them was missed.</summary>
    Polled,
}
