namespace Hypervisor.Sdk.Jobs;

/// <summary>Where a job is. The numbers are stored: they do not change.</summary>
public enum JobState
{
    /// <summary>PENDING: not taken by a worker; delayed, waiting for a lane or for its turn.</summary>
    Pending = 0,

    /// <summary>IN_PROGRESS: a worker holds it under a lease.</summary>
    InProgress = 1,

    /// <summary>COMPLETED: its handler returned.</summary>
    Completed = 2,

    /// <summary>FAILED: no attempt is left, or trying again is of no use. Stays until it is run again or discarded.</summary>
    Failed = 3,

    /// <summary>CANCELLED: asked for, and obeyed.</summary>
    Cancelled = 4,
}
