using System.IO.Pipelines;
using System.Text;

namespace Hypervisor.Sdk.Drivers.Tests;

/// <summary>What is typed on its way to the line, and why a session has ended.</summary>
public sealed class SerialSessionTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 60_000)]
    public async Task What_is_typed_is_sent_in_its_order_until_the_user_ends_it()
    {
        var line = new Line();
        await line.Output.WriteAsync("one "u8.ToArray(), Token);
        await line.Output.WriteAsync("two"u8.ToArray(), Token);
        await line.Output.CompleteAsync();
        await line.Sending.WaitAsync(Token);
        Assert.Equal("one two", line.Sent);
        await line.DisposeAsync();
        await line.Completion.WaitAsync(Token);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_line_that_is_down_takes_nothing_more_and_the_session_says_why_it_has_ended()
    {
        var line = new Line { Failure = new IOException("down"), Why = () => throw new HypervisorException("Nobody answers.", ErrorCode.Unavailable, RequestOutcome.Unknown) };
        await line.Output.WriteAsync("lost"u8.ToArray(), Token);
        await line.Sending.WaitAsync(Token);
        Assert.True((await line.Output.WriteAsync("more"u8.ToArray(), Token)).IsCompleted);
        await line.EndAsync();
        Assert.Equal(ErrorCode.Unavailable, (await Assert.ThrowsAsync<HypervisorException>(() => line.Completion.WaitAsync(Token))).Code);
        await line.DisposeAsync();
    }

    [Fact(Timeout = 60_000)]
    public async Task A_session_that_is_closed_sends_nothing_more()
    {
        var line = new Line();
        await line.DisposeAsync();
        await line.Sending.WaitAsync(Token);
        Assert.True((await line.Output.WriteAsync("late"u8.ToArray(), Token)).IsCompleted);
        Assert.Equal("", line.Sent);
    }

    /// <summary>A line that keeps what is sent.</summary>
    private sealed class Line : SerialSession
    {
        private readonly Pipe _typed = NewPipe();
        private readonly StringBuilder _sent = new();

        public Line()
            : base(DefaultPatience, TimeProvider.System) => Sending = SendTypedAsync(_typed.Reader, SendAsync);

        public Exception? Failure { get; init; }

        public Func<Task<HypervisorException?>> Why { get; init; } = () => Task.FromResult<HypervisorException?>(null);

        public Task Sending { get; }

        public string Sent => _sent.ToString();

        public override PipeWriter Output => _typed.Writer;

        public Task EndAsync() => CompleteAsync(Why).AsTask();

        public override async ValueTask DisposeAsync()
        {
            await StopReadingAsync();
            await HangUpAsync();
        }

        protected override async Task HangUpAsync()
        {
            _typed.Reader.CancelPendingRead();
            await Sending;
            await CompleteAsync(Why);
        }

        private ValueTask SendAsync(ReadOnlyMemory<byte> bytes)
        {
            if (Failure is not null)
                throw Failure;
            _sent.Append(Encoding.UTF8.GetString(bytes.Span));
            return default;
        }
    }
}
