namespace Hypervisor.Sdk.Remote.Wire;

/// <summary>The other end is gone: the connection was closed, or the other end broke the protocol.</summary>
internal sealed class PeerLostException(string message, Exception? reason, bool isBroken) : Exception(message, reason)
{
    /// <summary>Whether the other end said what it must not.</summary>
    public bool IsBroken { get; } = isBroken;
}
