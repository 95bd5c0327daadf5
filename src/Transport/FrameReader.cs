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
public sealed class FrameReader
{
    private readonly PipeReader _input;
    private readonly LengthFormat? _format;
    private readonly int _maxLineBytes;
    private readonly Wait _wait;
    private ReadOnlySequence<byte> _rest;
    private long _scannedBytes;
    private bool _reading;
    private bool _ended;

    private FrameReader(PipeReader input, LengthFormat? format, int maxLineBytes)
    {
        ArgumentNullException.ThrowIfNull(input);
        _input = input;
        _format = format;
        _maxLineBytes = maxLineBytes;
        _wait = new Wait(this);
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

#pragma warning disable CA2012 // Consumed once, here or by the wait.
        ValueTask<ReadResult> read = _input.ReadAsync(cancellationToken);
        return read.IsCompletedSuccessfully ? new ValueTask<bool>(Take(read.Result)) : _wait.Begin(read);
#pragma warning restore CA2012
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

    /// <summary>A wait for a pipe that has nothing yet, used again for every one: an async method would allocate its state in a debug build and rent it in another.</summary>
    private sealed class Wait : IValueTaskSource<bool>
    {
        private readonly FrameReader _frames;
        private readonly Action _completed;
        private ManualResetValueTaskSourceCore<bool> _result;
        private ConfiguredValueTaskAwaitable<ReadResult>.ConfiguredValueTaskAwaiter _read;

        public Wait(FrameReader frames)
        {
            _frames = frames;
            _completed = Complete;
        }

        public ValueTask<bool> Begin(ValueTask<ReadResult> read)
        {
            _result.Reset();
#pragma warning disable CA2012 // Consumed once, in Complete.
            _read = read.ConfigureAwait(false).GetAwaiter();
#pragma warning restore CA2012
            _read.UnsafeOnCompleted(_completed);
            return new ValueTask<bool>(this, _result.Version);
        }

        public bool GetResult(short token) => _result.GetResult(token);

        public ValueTaskSourceStatus GetStatus(short token) => _result.GetStatus(token);

        public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
            _result.OnCompleted(continuation, state, token, flags);

        private void Complete()
        {
            bool some;
            try
            {
                some = _frames.Take(_read.GetResult());
            }
            catch (Exception error)
            {
                // Whatever the pipe throws belongs to the caller who waits.
                _result.SetException(error);
                return;
            }

            _result.SetResult(some);
        }
    }
}
