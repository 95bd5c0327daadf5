using System.Buffers;
using System.IO.Pipelines;
using Hypervisor.Sdk.Drivers;
using Hypervisor.Sdk.Transport.WebSockets;

namespace Hypervisor.Sdk.Lxd.Consoles;

/// <summary>A session over a line to a console. A line that is begun just after the end of another may be refused by the container, which has not seen that end yet: it is begun again.</summary>
internal sealed class LxdConsoleSession : SerialSession
{
    private const int Attempts = 20;

    /// <summary>What a server prints in place of the container where another session is at the console.</summary>
    private static readonly byte[] s_refused = "Error: Failed running forkconsole"u8.ToArray();

    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(200);

    private readonly Func<Task<LxdConsoleLine>> _again;
    private readonly Func<bool, CancellationToken, Task<HypervisorException>> _why;
    private readonly Pipe _typed = NewPipe();
    private readonly Task _reading;
    private readonly Task _writing;

#pragma warning disable CA2213 // A session may be taken over after it was disposed; it has no timer.
    private readonly CancellationTokenSource _closed = new();
#pragma warning restore CA2213

    private LxdConsoleLine _line;

    /// <param name="line">To the console; owned.</param>
    /// <param name="replay">What comes first.</param>
    /// <param name="again">Begins another line.</param>
    /// <param name="why">Says why the server has ended it, by whether another session has the console.</param>
    public LxdConsoleSession(LxdConsoleLine line, ReadOnlyMemory<byte> replay, Func<Task<LxdConsoleLine>> again, Func<bool, CancellationToken, Task<HypervisorException>> why)
        : base(DefaultPatience, TimeProvider.System)
    {
        (_line, _again, _why) = (line, again, why);
        _writing = SendTypedAsync(_typed.Reader, SendAsync);
        _reading = ReadAsync(replay);
    }

    public override PipeWriter Output => _typed.Writer;

    public override async ValueTask DisposeAsync()
    {
        await CloseAsync(isUnwanted: true).ConfigureAwait(false);
        await _typed.Writer.CompleteAsync().ConfigureAwait(false);
    }

    protected override Task HangUpAsync() => CloseAsync(isUnwanted: false);

    private async Task CloseAsync(bool isUnwanted)
    {
        await _closed.CancelAsync().ConfigureAwait(false);
        if (isUnwanted)
            await StopReadingAsync().ConfigureAwait(false);
        _typed.Reader.CancelPendingRead();
        await Task.WhenAll(_reading, _writing).ConfigureAwait(false);
    }

    private async Task ReadAsync(ReadOnlyMemory<byte> replay)
    {
        await Task.Yield();
        bool isTaken = false;
        HypervisorException? failure = null;
        bool isWanted = replay.IsEmpty || await HandOverAsync(replay).ConfigureAwait(false);
        for (int attempt = 1; ; attempt++)
        {
            bool isRefused = isWanted && await CopyAsync().ConfigureAwait(false);
            isTaken = await _line.LetGoAsync(isOver: isWanted && !_closed.IsCancellationRequested).ConfigureAwait(false) || isRefused;
            if (!isRefused || attempt == Attempts || _closed.IsCancellationRequested)
                break;
            await Task.Delay(s_pause, _closed.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            try
            {
                Volatile.Write(ref _line, await _again().ConfigureAwait(false));
            }
            catch (HypervisorException error)
            {
                failure = error;
                break;
            }
        }

        bool isClosed = _closed.IsCancellationRequested;
        await CompleteAsync(async () => isClosed ? null : failure ?? await _why(isTaken, _closed.Token).ConfigureAwait(false)).ConfigureAwait(false);
        _typed.Reader.CancelPendingRead();
    }

    /// <summary>Hands over what is printed, until the server or this side ends it. True where another session is at the console.</summary>
    private async Task<bool> CopyAsync()
    {
        try
        {
            bool isWanted = true;
            for (bool isFirst = true; isWanted && await _line.ReceiveAsync(_closed.Token).ConfigureAwait(false) is { Kind: WebSocketMessageKind.Binary } message; isFirst = false)
            {
                if (isFirst && IsRefusal(message.Payload))
                    return true;
                foreach (var part in message.Payload)
                    isWanted = isWanted && await HandOverAsync(part).ConfigureAwait(false);
            }
        }
        catch (Exception error) when (error is IOException or InvalidOperationException or OperationCanceledException)
        {
            // Lost, or closed by this side: why is asked later.
        }

        return false;
    }

    /// <summary>What is typed to a line that is down is lost, as it is until the server is at the console.</summary>
    private async ValueTask SendAsync(ReadOnlyMemory<byte> typed)
    {
        try
        {
            await Volatile.Read(ref _line).Stream.SendAsync(WebSocketMessageKind.Binary, typed).ConfigureAwait(false);
        }
        catch (Exception error) when (error is IOException or InvalidOperationException)
        {
            // The reading end says why.
        }
    }

    private static bool IsRefusal(in ReadOnlySequence<byte> said) => said.Length >= s_refused.Length && said.Slice(0, s_refused.Length).ToArray().AsSpan().SequenceEqual(s_refused);
}
