namespace Hypervisor.Sdk.Drivers.Tests;

/// <summary>Commands by the guest agent, whatever carries its messages.</summary>
public sealed class GuestAgentExecTests
{
    private static readonly BackendName s_lab = BackendName.Parse("lab");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public void Everything_that_the_agent_cannot_do_is_named_in_one_refusal()
    {
        var spec = new CommandSpec { Command = [], Terminal = true, User = "www", WorkingDirectory = "/srv", MaxOutputBytes = -1, Environment = new Dictionary<string, SecretOrText> { ["A=B"] = "c" } };
        var refused = Assert.Throws<HypervisorException>(() => GuestAgentExec.Refuse(spec, 11, 10, s_lab));
        Assert.Equal((ErrorCode.InvalidArgument, RequestOutcome.NotSent), (refused.Code, refused.Outcome));
        Assert.Equal(["command", "environment", "input", "maxOutputBytes", "terminal", "user", "workingDirectory"], refused.FieldErrors!.Keys.Order(StringComparer.Ordinal));
        GuestAgentExec.Refuse(new CommandSpec { Command = ["true"] }, 10, 10, s_lab);
    }

    [Fact]
    public void A_reference_to_a_secret_is_not_sent_in_the_clear()
    {
        var spec = new CommandSpec { Command = ["env"], Environment = new Dictionary<string, SecretOrText> { ["TOKEN"] = new SecretReference("token") } };
        Assert.Contains("'TOKEN'", Assert.Throws<HypervisorException>(() => GuestAgentExec.Refuse(spec, 0, 10, s_lab)).FieldErrors!["environment"], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, null, 0, null)]
    [InlineData(7, null, 7, null)]
    [InlineData(0, 9, null, "SIGKILL")]
    [InlineData(null, 6, null, "SIGABRT")]
    [InlineData(null, 35, null, "SIG35")]
    public void A_command_ended_with_a_code_or_by_a_signal(int? code, int? signal, int? expectedCode, string? expectedSignal)
    {
        var result = GuestAgentExec.ResultOf(code, signal, default, default, false, 10);
        Assert.Equal((expectedCode, expectedSignal), (result.ExitCode, result.Signal?.ToString()));
    }

    [Theory]
    [InlineData("abc", "", false, 3, "abc", false)]
    [InlineData("abcd", "", false, 3, "abc", true)]
    [InlineData("", "abcd", false, 3, "", true)]
    [InlineData("abc", "", true, 3, "abc", true)]
    public void What_is_left_out_of_the_output_is_said(string output, string error, bool isTruncated, int limit, string expected, bool expectedTruncated)
    {
        var result = GuestAgentExec.ResultOf(0, null, System.Text.Encoding.ASCII.GetBytes(output), System.Text.Encoding.ASCII.GetBytes(error), isTruncated, limit);
        Assert.Equal((expected, expectedTruncated), (System.Text.Encoding.ASCII.GetString(result.Output.Span), result.IsTruncated));
    }

    [Fact(Timeout = 60_000)]
    public async Task A_command_is_looked_at_until_it_has_ended_or_the_patience_is_over()
    {
        var clock = new ManualTimeProvider();
        int looks = 0;
        var ended = GuestAgentExec.EndOfAsync(() => Task.FromResult(++looks == 4 ? "ended" : null), Timeout.InfiniteTimeSpan, clock, Token);
        var impatient = GuestAgentExec.EndOfAsync(() => Task.FromResult<string?>(null), TimeSpan.FromSeconds(1), clock, Token);
        while (!ended.IsCompleted || !impatient.IsCompleted)
        {
            clock.Advance(TimeSpan.FromMilliseconds(10));
            await Task.Yield();
        }

        Assert.Equal(("ended", null), (await ended, await impatient));
        Assert.Equal("looked 4 times", $"looked {looks} times");
    }
}
