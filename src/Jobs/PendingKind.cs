namespace Hypervisor.Sdk.Jobs;

/// <summary>Why a job is PENDING.</summary>
public enum PendingKind
{
    /// <summary>It is ready: no worker had a place for it yet.</summary>
    Queued,

    /// <summary>It was made for later.</summary>
    Delayed,

    /// <summary>An attempt failed; the next one is due later.</summary>
    WaitsForRetry,

    /// <summary>Another job holds a lane that it needs, or is before it in that lane.</summary>
    WaitsForLane,

    /// <summary>Another job has to end first.</summary>
    WaitsForJob,

    /// <summary>Its type, or all types, are paused.</summary>
    Paused,

    /// <summary>It is ready, and this process has no handler for its type, or only one for older arguments: it is left to a worker that has.</summary>
    NoHandlerHere,

    /// <summary>As many jobs of its rate as may have begun; the next begins later.</summary>
    WaitsForRate,
}
