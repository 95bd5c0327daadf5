namespace Hypervisor.Sdk;

/// <summary>How to stop.</summary>
public sealed class StopOptions
{
    /// <summary>How long the guest may take to shut down. Zero: it is not asked. Default 60 s.</summary>
    public TimeSpan GracePeriod { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Whether it is switched off when it has not shut down in time. Otherwise the operation fails with <see cref="ErrorCode.Timeout"/> and the guest runs on. Default true.</summary>
    public bool ForceAfterGrace { get; init; } = true;
}
