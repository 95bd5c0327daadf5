using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using System.Threading.Tasks.Sources;

namespace Hypervisor.Sdk.Transport;

/// <summary>
/// Reads frames off a pipe without allocating: <c>while (await frames.WaitAsync(token)) while (frames.TryRead(out var frame)) ...</c>. One caller at a time. The reader owns the
/// positions of the pipe, not the pipe: nothing else may read it meanwhile.
/// </summary>
public sealed class FrameReader : IValueTaskSource<bool>
{
    private readonly PipeReader _input;
    private readonly LengthFormat? _format;
    private readonly int _maxLineBytes;
    private readonly Action _completed;
    private ReadOnlySequence<byte> _rest;
    private long _scannedBytes;
    private bool _reading;
    private bool _ended;
    private ManualResetValueTaskSourceCore<bool> _wait;
    private ConfiguredValueTaskAwaitable<ReadResult>.ConfiguredValueTaskAwaiter _pending;

    private FrameReader(PipeReader input, LengthFormat? format, int maxLineBytes)
    {
        ArgumentNullException.ThrowIfNull(input);
        _input = input;
        _format = format;
        _maxLineBytes = maxLineBytes;
        _completed = Complete;
    }

    /// <summary>Reads lines that end in LF or CR LF, of at most <paramref name="maxLineBytes"/> without their ending.</summary>
    public static FrameReader Lines(PipeReader input, int maxLineBytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(maxLineBytes);
        return new FrameReader(input, null, maxLineBytes);
    }

    /// <summary>Reads frames that begin with their length.</summary>
    public static FrameReader Lengths(PipeReader input, LengthFormat format)
    {
        ArgumentNullException.ThrowIfNull(format);
        return new FrameReader(input, format, 0);
    }

    /// <summary>Takes the next frame of what has arrived; false when <see cref="WaitAsync"/> must be called first.</summary>
    /// <param name="frame">The line, or the payload; it borrows the pipe's buffer until <see cref="WaitAsync"/> is called.</param>
    /// <exception cref="FramingException">The peer broke the framing.</exception>
    public bool TryRead(out ReadOnlySequence<byte> frame)
    {
        if (_reading)
            return _format is null ? LineFraming.TryReadLine(ref _rest, _maxLineBytes, ref _scannedBytes, out frame) : LengthFraming.TryReadFrame(ref _rest, _format, out frame);
        frame = default;
        return false;
    }

    /// <summary>Gives the frames that were taken back to the pipe and waits for bytes: true when some have arrived, not always a whole frame; false at the peer's end.</summary>
    /// <exception cref="FramingException">The peer ended in the middle of a frame.</exception>
    /// <exception cref="ConnectionClosedException">The connection is closed.</exception>
    /// <exception cref="OperationCanceledException">The wait was cancelled; nothing is lost.</exception>
    public ValueTask<bool> WaitAsync(CancellationToken cancellationToken = default)
    {
        if (_reading && !GiveBack())
            return new ValueTask<bool>(false);

#pragma warning disable CA2012 // Consumed once, here or in Complete: a field instead of a state machine that would be allocated.
        ValueTask<ReadResult> read = _input.ReadAsync(cancellationToken);
        if (read.IsCompletedSuccessfully)
            return new ValueTask<bool>(Take(read.Result));
        _wait.Reset();
        _pending = read.ConfigureAwait(false).GetAwaiter();
#pragma warning restore CA2012
        _pending.UnsafeOnCompleted(_completed);
        return new ValueTask<bool>(this, _wait.Version);
    }

    bool IValueTaskSource<bool>.GetResult(short token) => _wait.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<bool>.GetStatus(short token) => _wait.GetStatus(token);

    void IValueTaskSource<bool>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _wait.OnCompleted(continuation, state, token, flags);

    private void Complete()
    {
        bool some;
        try
        {
            some = Take(_pending.GetResult());
        }
        catch (Exception error)
        {
            // Whatever the pipe throws belongs to the caller who waits.
            _wait.SetException(error);
            return;
        }

        _wait.SetResult(some);
    }

    private bool Take(in ReadResult result)
    {
        _rest = result.Buffer;
        _reading = true;
        _ended = result.IsCompleted;
        return !_ended || !_rest.IsEmpty;
    }

    /// <summary>Gives what was taken back to the pipe; false at the peer's end. The state is put away first: a read that throws leaves nothing to advance.</summary>
    private bool GiveBack()
    {
        _reading = false;
        long left = _rest.Length;
        _input.AdvanceTo(_rest.Start, _rest.End);
        _rest = default;
        if (_ended && left > 0)
            ThrowTruncated(left);
        return !_ended;
    }

    [DoesNotReturn]
    private static void ThrowTruncated(long bytes) => throw new FramingException($"The peer ended in the middle of a frame, of which {bytes} bytes had arrived.");
}
