using Hypervisor.Sdk.Remote.Wire;

namespace Hypervisor.Sdk.Remote.Calls;

/// <summary>A connection, and what the other end said of itself when it was made.</summary>
/// <param name="Peer">The connection.</param>
/// <param name="Info">What the backend is.</param>
/// <param name="Services">The words of the services that it gives.</param>
internal sealed record Greeting(Peer Peer, BackendInfo Info, HashSet<string> Services);
