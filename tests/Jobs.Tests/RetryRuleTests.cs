using Hypervisor.Sdk.Jobs.Running;

namespace Hypervisor.Sdk.Jobs.Tests;

/// <summary>Whether and when a job is tried again.</summary>
public sealed class RetryRuleTests
{
    private static readonly JobTypeOptions Options = new() { RetryBase = TimeSpan.FromSeconds(1), RetryLimit = TimeSpan.FromSeconds(60) };

    [Fact]
    [Feature("JOB-03")]
    public void The_bound_of_the_wait_doubles_up_to_its_limit_and_the_wait_is_any_part_of_it()
    {
        var random = new Random(1);
        foreach (var (attempt, bound) in new[] { (1, 1.0), (2, 2.0), (3, 4.0), (6, 32.0), (7, 60.0), (50, 60.0) })
        {
            double[] waits = [.. Enumerable.Range(0, 2000).Select(_ => RetryRule.WaitAfter(new TimeoutException(), attempt, 100, Options, random)!.Value.TotalSeconds)];
            Assert.All(waits, wait => Assert.InRange(wait, 0, bound));
            Assert.True(waits.Min() < bound * 0.05 && waits.Max() > bound * 0.95, $"Attempt {attempt} waits {waits.Min()} to {waits.Max()} s of {bound}.");
        }
    }

    [Fact]
    public void The_error_decides()
    {
        Assert.Null(Wait(new HypervisorException("no", ErrorCode.AlreadyExists, RequestOutcome.Rejected)));
        Assert.Null(Wait(new HypervisorException("half", ErrorCode.Unavailable, RequestOutcome.FailedMidway)));
        Assert.Null(Wait(new JobArgumentsException("unreadable", new FormatException())));
        Assert.NotNull(Wait(new HypervisorException("locked", ErrorCode.Locked, RequestOutcome.Rejected)));
        Assert.NotNull(Wait(new HypervisorException("lost", ErrorCode.Unavailable, RequestOutcome.Unknown)));
        Assert.InRange(Wait(new HypervisorException("busy", ErrorCode.Unavailable, RequestOutcome.Rejected) { RetryAfter = TimeSpan.FromMinutes(9) })!.Value.TotalMinutes, 9, 9.1);
        Assert.Null(RetryRule.WaitAfter(new TimeoutException(), 3, 3, Options, new Random(1)));
    }

    private static TimeSpan? Wait(Exception failure) => RetryRule.WaitAfter(failure, 1, 3, Options, new Random(1));
}
