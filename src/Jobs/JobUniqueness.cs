namespace Hypervisor.Sdk.Jobs;

/// <summary>What happens to a job whose unique key a job that has not ended already has.</summary>
public enum JobUniqueness
{
    /// <summary>The job that is there is returned; no new one is made.</summary>
    Ignore,

    /// <summary>The call fails with <see cref="ErrorCode.AlreadyExists"/>.</summary>
    Reject,

    /// <summary>The job that is there is CANCELLED and the new one takes its place, in one transaction. Where it runs already, the call fails with <see cref="ErrorCode.AlreadyExists"/>.</summary>
    Replace,
}
