namespace Hypervisor.Sdk.Hosts;

/// <summary>A node could not be reached by ssh, or was lost. The session connects again by itself at the next call; this one is not repeated unless nothing of it was sent.</summary>
/// <param name="failure">Why.</param>
/// <param name="message">What, where, what to do.</param>
/// <param name="code">Why, in our words.</param>
/// <param name="outcome">Whether it may have happened.</param>
/// <param name="innerException">The cause, where there is one.</param>
public sealed class SshException(SshFailure failure, string message, ErrorCode code, RequestOutcome outcome, Exception? innerException = null) : HypervisorException(message, code, outcome, innerException)
{
    /// <summary>Why.</summary>
    public SshFailure Failure { get; } = failure;
}
