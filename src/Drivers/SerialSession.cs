using System.Diagnostics.CodeAnalysis;
using System.IO.Pipelines;

namespace Hypervisor.Sdk.Drivers;

/// <summary>
/// An open serial port: its user's end. A driver hands over what the guest prints; at most 256 KiB of it wait to be read, and a user who leaves them unread for longer than a patience loses the session, as
/// the other end would hold the guest up or keep without end what he leaves.
/// </summary>
public abstract class SerialSession : ConsoleSession
{
    /// <summary>How much may wait to be read, and to be sent.</summary>
    private const int MaxUnreadBytes = 256 << 10;

    private readonly Pipe _printed = NewPipe();
    private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TimeSpan _patience;
    private readonly TimeProvider _time;

    [SuppressMessage("Usage", "CA2213", Justification = "A session may be taken over after it was disposed; it has no timer.")]
    private readonly CancellationTokenSource _ending = new();

    private HypervisorException? _reason;

    /// <param name="patience">How long the user may leave the queue full.</param>
    /// <param name="time">The clock.</param>
    protected SerialSession(TimeSpan patience, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(time);
        _patience = patience;
        _time = time;
    }

    /// <summary>How long a user may leave the queue full unless a driver says otherwise: 10 s.</summary>
    public static TimeSpan DefaultPatience { get; } = TimeSpan.FromSeconds(10);

    /// <inheritdoc/>
    public sealed override PipeReader Input => _printed.Reader;

    /// <inheritdoc/>
    public sealed override Task Completion => _completion.Task;

    /// <summary>False: a serial line has no size. The guest's terminal asks the terminal at this end, or is told by stty.</summary>
    public sealed override bool CanResize => false;

    /// <inheritdoc/>
    /// <exception cref="HypervisorException">Always (<see cref="ErrorCode.Unsupported"/>).</exception>
    public sealed override ValueTask ResizeAsync(int columns, int rows, CancellationToken cancellationToken = default) =>
        throw new HypervisorException("A serial line carries no size. Set it in the guest: stty cols N rows N.", ErrorCode.Unsupported, RequestOutcome.NotSent);

    /// <summary>Ends the session for a reason that its user is told. It does not wait for a user who does not read.</summary>
    /// <param name="reason">Why; the first reason counts.</param>
    public async Task EndAsync(HypervisorException reason)
    {
        ArgumentNullException.ThrowIfNull(reason);
        Interlocked.CompareExchange(ref _reason, reason, null);
        await _ending.CancelAsync().ConfigureAwait(false);
        await HangUpAsync().ConfigureAwait(false);
    }

    /// <summary>Closes the line, if it is open, and returns when nothing of the session runs any more.</summary>
    protected abstract Task HangUpAsync();

    /// <summary>A pipe of the size of the session's own, for what the user types.</summary>
    protected static Pipe NewPipe() => new(new PipeOptions(pauseWriterThreshold: MaxUnreadBytes, resumeWriterThreshold: MaxUnreadBytes / 2, useSynchronizationContext: false));

    /// <summary>Hands the user bytes that the guest printed; one at a time.</summary>
    /// <returns>False: the user wants no more, has not made room in time, or the session is ending.</returns>
    protected async ValueTask<bool> HandOverAsync(ReadOnlyMemory<byte> bytes)
    {
        var written = _printed.Writer.WriteAsync(bytes);
        if (written.IsCompletedSuccessfully)
            return !written.Result.IsCompleted;
        try
        {
            return !(await written.AsTask().WaitAsync(_patience, _time, _ending.Token).ConfigureAwait(false)).IsCompleted;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
        catch (TimeoutException error)
        {
            _reason ??= new HypervisorException($"The console was closed: {MaxUnreadBytes >> 10} KiB were not read for {_patience.TotalSeconds:0.#} s.", ErrorCode.Exhausted, RequestOutcome.Rejected, error);
            return false;
        }
    }

    /// <summary>The user reads no more: a hand-over that waits for room ends too.</summary>
    protected ValueTask StopReadingAsync()
    {
        _printed.Reader.CancelPendingRead();
        return _printed.Reader.CompleteAsync();
    }

    /// <summary>Sends what the user types, until he ends it, the line is down or the reading is cancelled (<see cref="PipeReader.CancelPendingRead"/>); then nobody reads it any more.</summary>
    /// <param name="typed">What he types.</param>
    /// <param name="send">Sends some of it. A failure is the line's, whose reading end says why.</param>
    protected async Task SendTypedAsync(PipeReader typed, Func<ReadOnlyMemory<byte>, ValueTask> send)
    {
        ArgumentNullException.ThrowIfNull(typed);
        ArgumentNullException.ThrowIfNull(send);
        await Task.Yield();
        try
        {
            while (!Completion.IsCompleted)
            {
                var read = await typed.ReadAsync().ConfigureAwait(false);
                if (read.IsCanceled)
                    break;
                foreach (var part in read.Buffer)
                {
                    if (!part.IsEmpty)
                        await send(part).ConfigureAwait(false);
                }

                typed.AdvanceTo(read.Buffer.End);
                if (read.IsCompleted)
                    break;
            }
        }
        catch (Exception error) when (error is HypervisorException or IOException or InvalidOperationException)
        {
            // The line is down.
        }

        await typed.CompleteAsync().ConfigureAwait(false);
    }

    /// <summary>Says that nothing comes any more, once.</summary>
    /// <param name="why">Why the other end has ended it, asked only where the session has no reason of its own; null where it was closed from this end. Where it cannot be asked, that is the reason.</param>
    protected async ValueTask CompleteAsync(Func<Task<HypervisorException?>> why)
    {
        ArgumentNullException.ThrowIfNull(why);
        var reason = _reason ?? await AskAsync(why).ConfigureAwait(false);
        await _printed.Writer.CompleteAsync(_reason).ConfigureAwait(false);
        if (reason is null)
            _completion.TrySetResult();
        else
            _completion.TrySetException(reason);
        // Nobody has to look at how a session ended.
        _ = _completion.Task.Exception;
    }

    private static async Task<HypervisorException?> AskAsync(Func<Task<HypervisorException?>> why)
    {
        try
        {
            return await why().ConfigureAwait(false);
        }
        catch (HypervisorException error)
        {
            return error;
        }
    }
}
