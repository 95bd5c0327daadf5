using System.IO.Pipelines;
using System.Text;

namespace Hypervisor.Sdk.Drivers.Tests;

/// <summary>One session a port, and what happens to a user who does not read.</summary>
public sealed class SerialPortsTests
{
    private static readonly InstanceId s_id = InstanceId.Parse("web1");

    private readonly SerialPorts<string> _ports = new(BackendName.Parse("lab"));
    private readonly ManualTimeProvider _clock = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 60_000)]
    public async Task A_port_that_is_open_is_refused_and_taken_over_where_that_is_asked()
    {
        var first = await OpenAsync("web1.0");
        var refused = await Assert.ThrowsAsync<HypervisorException>(() => OpenAsync("web1.0"));
        Assert.Equal((ErrorCode.Locked, RequestOutcome.Rejected, "instance web1"), (refused.Code, refused.Outcome, refused.Resource));
        Assert.False(first.Completion.IsCompleted);

        var second = await OpenAsync("web1.0", takeOver: true);
        Assert.Equal(ErrorCode.Locked, (await Assert.ThrowsAsync<HypervisorException>(() => first.Completion.WaitAsync(Token))).Code);
        Assert.False(second.Completion.IsCompleted);

        await second.DisposeAsync();
        await using var third = await OpenAsync("web1.0");
        Assert.False(third.Completion.IsCompleted);
    }

    [Fact(Timeout = 60_000)]
    public async Task Opening_one_port_waits_for_no_other()
    {
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var slow = _ports.OpenAsync("web1.0", s_id, "web1", new ConsoleOptions(), async () =>
        {
            await release.Task.WaitAsync(Token);
            return new Line(_clock);
        }, Token);
        await using var other = await OpenAsync("web1.1");
        using var impatient = new CancellationTokenSource();
        var waiting = _ports.OpenAsync("web1.0", s_id, "web1", new ConsoleOptions(), () => Task.FromResult<SerialSession>(new Line(_clock)), impatient.Token);
        await impatient.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        release.SetResult();
        await using var opened = await slow;
    }

    [Fact(Timeout = 60_000)]
    public async Task A_port_that_could_not_be_opened_is_free()
    {
        await Assert.ThrowsAsync<HypervisorException>(() => _ports.OpenAsync("web1.0", s_id, "web1", new ConsoleOptions(), () => throw Refusal.InvalidState(s_id, "It is stopped."), Token));
        await using var session = await OpenAsync("web1.0");
        Assert.False(session.Completion.IsCompleted);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_user_who_does_not_read_loses_the_session_when_the_patience_is_over_and_at_once_when_it_is_taken_over()
    {
        var (slow, taken) = (new Line(_clock), new Line(_clock));
        var unread = slow.PrintAsync(new byte[300 << 10]);
        var other = taken.PrintAsync(new byte[300 << 10]);
        Assert.False(unread.IsCompleted);
        Assert.False(other.IsCompleted);

        await taken.EndAsync(new HypervisorException("Taken over.", ErrorCode.Locked, RequestOutcome.Rejected));
        Assert.False(await other);
        Assert.Equal(ErrorCode.Locked, (await Assert.ThrowsAsync<HypervisorException>(() => taken.Completion)).Code);

        _clock.Advance(SerialSession.DefaultPatience);
        Assert.False(await unread);
        await slow.DisposeAsync();
        Assert.Equal(ErrorCode.Exhausted, (await Assert.ThrowsAsync<HypervisorException>(() => slow.Completion)).Code);
    }

    [Fact(Timeout = 60_000)]
    public async Task Whoever_closes_the_ports_closes_their_sessions()
    {
        var session = await OpenAsync("web1.0");
        await _ports.DisposeAsync();
        await session.Completion.WaitAsync(Token);
        Assert.False(session.CanResize);
        Assert.Equal(ErrorCode.Unsupported, (await Assert.ThrowsAsync<HypervisorException>(() => session.ResizeAsync(80, 25, Token).AsTask())).Code);
    }

    private Task<ConsoleSession> OpenAsync(string key, bool takeOver = false) =>
        _ports.OpenAsync(key, s_id, "web1", new ConsoleOptions { TakeOver = takeOver }, () => Task.FromResult<SerialSession>(new Line(_clock)), Token);

    /// <summary>A line that prints what the test says.</summary>
    private sealed class Line(TimeProvider time) : SerialSession(DefaultPatience, time)
    {
        private readonly Pipe _typed = NewPipe();

        public override PipeWriter Output => _typed.Writer;

        public Task<bool> PrintAsync(byte[] bytes) => HandOverAsync(bytes).AsTask();

        public override async ValueTask DisposeAsync()
        {
            await StopReadingAsync();
            await HangUpAsync();
        }

        protected override async Task HangUpAsync() => await CompleteAsync(() => Task.FromResult<HypervisorException?>(null));
    }
}
