namespace Hypervisor.Sdk.Abstractions.Tests;

public sealed class FailureTests
{
    [Theory]
    [InlineData("locked", RequestOutcome.Rejected, true)]
    [InlineData("unavailable", RequestOutcome.NotSent, true)]
    [InlineData("unavailable", RequestOutcome.Unknown, false)]
    [InlineData("timeout", RequestOutcome.FailedMidway, false)]
    [InlineData("not-found", RequestOutcome.Rejected, false)]
    [InlineData("invalid-argument", RequestOutcome.NotSent, false)]
    public void Only_what_certainly_did_not_happen_for_a_reason_that_passes_is_transient(string code, RequestOutcome outcome, bool transient) =>
        Assert.Equal(transient, new HypervisorException("x", ErrorCode.Parse(code), outcome).IsTransient);

    [Fact]
    public void A_retry_after_makes_a_rejection_transient_but_never_an_unknown_outcome()
    {
        Assert.True(new HypervisorException("x", ErrorCode.Unspecified, RequestOutcome.Rejected) { RetryAfter = TimeSpan.FromSeconds(1) }.IsTransient);
        Assert.False(new HypervisorException("x", ErrorCode.Unspecified, RequestOutcome.Unknown) { RetryAfter = TimeSpan.FromSeconds(1) }.IsTransient);
    }
}
