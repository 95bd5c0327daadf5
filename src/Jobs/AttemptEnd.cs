namespace Hypervisor.Sdk.Jobs;

/// <summary>How an attempt ended. The numbers are stored: they do not change.</summary>
public enum AttemptEnd
{
    /// <summary>The handler returned.</summary>
    Completed = 0,

    /// <summary>It failed, and the job is tried again.</summary>
    Retried = 1,

    /// <summary>It failed, and the job with it.</summary>
    Failed = 2,

    /// <summary>It obeyed a request to cancel.</summary>
    Cancelled = 3,

    /// <summary>Its worker did not renew the lease: died, was paused, or lost the store.</summary>
    LeaseLost = 4,

    /// <summary>Its worker shut down, and gave the job back. Does not count against the limit of attempts.</summary>
    Returned = 5,

    /// <summary>It was asked to stop and did not in time: its end was stored without it. It may still be doing something.</summary>
    Abandoned = 6,

    /// <summary>It undid what earlier attempts had done, step by step in reverse; the job then is FAILED or CANCELLED.</summary>
    Compensated = 7,
}
