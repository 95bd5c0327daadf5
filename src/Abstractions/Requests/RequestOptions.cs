namespace Hypervisor.Sdk;

/// <summary>What a caller may say about any call that changes something. All of it is optional.</summary>
public sealed class RequestOptions
{
    /// <summary>The caller's id of this effect; see <see cref="Sdk.RequestId"/>. Default: the driver makes one up, and a lost reply cannot be looked up.</summary>
    public RequestId? RequestId { get; init; }

    /// <summary>Fails with <see cref="ErrorCode.Conflict"/> when the configuration is no longer at this revision. Default: not compared.</summary>
    public Revision? IfRevision { get; init; }

    /// <summary>Fails with <see cref="ErrorCode.Conflict"/> when the id addresses another instance by now. Default: not compared.</summary>
    public Incarnation? IfIncarnation { get; init; }

    /// <summary>The token of the lock under which the caller acts; a driver that has seen a higher one for the same instance refuses with <see cref="ErrorCode.Conflict"/>. Default: none.</summary>
    public long? FencingToken { get; init; }

    /// <summary>How long the call and the work that it begins may take. Default: what the backend's options say. When it passes, the call fails with <see cref="ErrorCode.Timeout"/> and an honest <see cref="RequestOutcome"/>.</summary>
    public TimeSpan? Deadline { get; init; }
}
