using System.Diagnostics.CodeAnalysis;
using System.IO.Pipelines;
using System.Runtime.Versioning;
using Hypervisor.Sdk.Qemu.State;
using Hypervisor.Sdk.Transport;

namespace Hypervisor.Sdk.Qemu.Consoles;

/// <summary>
/// An open serial port: what is kept of before, then what the guest prints from now on. QEMU holds the guest's line up while nobody takes what it prints, so a session whose user has stopped reading is ended.
/// </summary>
[SupportedOSPlatform("linux")]
internal sealed class SerialSession : ConsoleSession
{
    /// <summary>How much may wait to be read.</summary>
    private const int MaxUnreadBytes = 256 << 10;

    private readonly Connection _connection;
    private readonly MachineLock _held;
    private readonly Pipe _input = new(new PipeOptions(pauseWriterThreshold: MaxUnreadBytes, resumeWriterThreshold: MaxUnreadBytes / 2, useSynchronizationContext: false));
    private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TimeSpan _patience;
    private readonly TimeProvider _time;
    private readonly Task _copying;

    [SuppressMessage("Usage", "CA2213", Justification = "A session may be taken over after it was disposed; it has no timer.")]
    private readonly CancellationTokenSource _ending = new();

    private HypervisorException? _reason;
    private int _released;

    /// <param name="connection">To QEMU's end of the line; owned.</param>
    /// <param name="held">Keeps other processes out; owned.</param>
    /// <param name="replay">What comes first.</param>
    /// <param name="patience">How long the user may leave the queue full.</param>
    /// <param name="time">The clock.</param>
    public SerialSession(Connection connection, MachineLock held, ReadOnlyMemory<byte> replay, TimeSpan patience, TimeProvider time)
    {
        _connection = connection;
        _held = held;
        _patience = patience;
        _time = time;
        _copying = CopyAsync(replay);
    }

    public override PipeReader Input => _input.Reader;

    public override PipeWriter Output => _connection.Output;

    public override Task Completion => _completion.Task;

    /// <summary>A serial line has no size: the guest's terminal asks the terminal at this end, or is told by stty.</summary>
    public override bool CanResize => false;

    public override ValueTask ResizeAsync(int columns, int rows, CancellationToken cancellationToken = default) =>
        throw new HypervisorException("A serial line carries no size. Set it in the guest: stty cols N rows N.", ErrorCode.Unsupported, RequestOutcome.NotSent);

    /// <summary>Ends the session for a reason that its user is told.</summary>
    public async Task EndAsync(HypervisorException reason)
    {
        Interlocked.CompareExchange(ref _reason, reason, null);
        // Nobody waits for a user who does not read.
        await _ending.CancelAsync().ConfigureAwait(false);
        await _connection.DisposeAsync().ConfigureAwait(false);
        await _copying.ConfigureAwait(false);
    }

    public override async ValueTask DisposeAsync()
    {
        await _connection.DisposeAsync().ConfigureAwait(false);
        // Whoever disposes the session does not read any more: a copy that waits for room must end too.
        _input.Reader.CancelPendingRead();
        await _input.Reader.CompleteAsync().ConfigureAwait(false);
        await _copying.ConfigureAwait(false);
    }

    private async Task CopyAsync(ReadOnlyMemory<byte> replay)
    {
        Exception? failure = null;
        bool guestEnded = false;
        try
        {
            bool wanted = replay.IsEmpty || await HandOverAsync(replay).ConfigureAwait(false);
            while (wanted)
            {
                var read = await _connection.Input.ReadAsync().ConfigureAwait(false);
                foreach (var part in read.Buffer)
                    wanted = wanted && await HandOverAsync(part).ConfigureAwait(false);
                _connection.Input.AdvanceTo(read.Buffer.End);
                if (read.IsCompleted)
                {
                    guestEnded = true;
                    break;
                }
            }
        }
        catch (ConnectionClosedException error)
        {
            failure = error;
        }

        Release();
        var reason = _reason ?? (guestEnded ? new HypervisorException("The machine has stopped.", ErrorCode.InvalidState, RequestOutcome.Rejected) : null);
        await _input.Writer.CompleteAsync(_reason).ConfigureAwait(false);
        if (reason is not null)
            _completion.TrySetException(reason);
        else
            _completion.TrySetResult();
        // Nobody has to look at how a session ended.
        _ = _completion.Task.Exception;
        if (failure is null)
            await _connection.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>Hands bytes to the user. False: the user wants no more, or has not made room in time.</summary>
    private async ValueTask<bool> HandOverAsync(ReadOnlyMemory<byte> bytes)
    {
        var written = _input.Writer.WriteAsync(bytes);
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

    private void Release()
    {
        if (Interlocked.Exchange(ref _released, 1) != 0)
            return;
        _held.Remove();
        _held.Dispose();
    }
}
