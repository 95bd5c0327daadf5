using System.IO.Pipelines;

namespace Hypervisor.Sdk.Libvirt.Consoles;

/// <summary>An open serial port: what is kept of before, then what the guest prints from now on. A session whose user has stopped reading is ended: the daemon would keep what he leaves.</summary>
internal sealed class SerialSession : ConsoleSession
{
    /// <summary>How much may wait to be read.</summary>
    private const int MaxUnreadBytes = 256 << 10;

    private static readonly PipeOptions s_options = new(pauseWriterThreshold: MaxUnreadBytes, resumeWriterThreshold: MaxUnreadBytes / 2, useSynchronizationContext: false);

    private readonly LibvirtConnection _libvirt;
    private readonly LibvirtStream _stream;
    private readonly Pipe _printed = new(s_options);
    private readonly Pipe _typed = new(s_options);
    private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Func<CancellationToken, Task<HypervisorException>> _why;
    private readonly TimeSpan _patience;
    private readonly TimeProvider _time;
    private readonly Task _reading;
    private readonly Task _writing;
    private HypervisorException? _reason;
    private bool _isClosing;

    /// <param name="libvirt">The session's own connection.</param>
    /// <param name="stream">The port.</param>
    /// <param name="replay">What comes first.</param>
    /// <param name="why">Says why the daemon has ended it.</param>
    /// <param name="patience">How long the user may leave the queue full.</param>
    /// <param name="time">The clock.</param>
    public SerialSession(LibvirtConnection libvirt, LibvirtStream stream, ReadOnlyMemory<byte> replay, Func<CancellationToken, Task<HypervisorException>> why, TimeSpan patience, TimeProvider time)
    {
        _libvirt = libvirt;
        _stream = stream;
        _why = why;
        _patience = patience;
        _time = time;
        _reading = ReadAsync(replay);
        _writing = WriteAsync();
    }

    public override PipeReader Input => _printed.Reader;

    public override PipeWriter Output => _typed.Writer;

    public override Task Completion => _completion.Task;

    public override bool CanResize => false;

    public override ValueTask ResizeAsync(int columns, int rows, CancellationToken cancellationToken = default) =>
        throw new HypervisorException("A serial line carries no size. Set it in the guest: stty cols N rows N.", ErrorCode.Unsupported, RequestOutcome.NotSent);

    /// <summary>Ends the session for a reason that its user is told.</summary>
    public async Task EndAsync(HypervisorException reason)
    {
        Interlocked.CompareExchange(ref _reason, reason, null);
        await CloseAsync().ConfigureAwait(false);
    }

    public override async ValueTask DisposeAsync()
    {
        await CloseAsync(isUnwanted: true).ConfigureAwait(false);
        await _typed.Writer.CompleteAsync().ConfigureAwait(false);
    }

    private async Task CloseAsync(bool isUnwanted = false)
    {
        Volatile.Write(ref _isClosing, true);
        // The daemon hears that it is over before the connection goes, so that whoever is next finds the console free.
        await _stream.DisposeAsync().ConfigureAwait(false);
        if (isUnwanted)
        {
            _printed.Reader.CancelPendingRead();
            await _printed.Reader.CompleteAsync().ConfigureAwait(false);
        }

        await _libvirt.DisposeAsync().ConfigureAwait(false);
        _typed.Reader.CancelPendingRead();
        await Task.WhenAll(_reading, _writing).ConfigureAwait(false);
    }

    private async Task ReadAsync(ReadOnlyMemory<byte> replay)
    {
        await Task.Yield();
        HypervisorException? failure = null;
        try
        {
            bool wanted = replay.IsEmpty || await HandOverAsync(replay).ConfigureAwait(false);
            byte[] buffer = new byte[16 * 1024];
            while (wanted && await _stream.ReadAsync(buffer).ConfigureAwait(false) is > 0 and var bytes)
                wanted = await HandOverAsync(buffer.AsMemory(0, bytes)).ConfigureAwait(false);
        }
        catch (HypervisorException error)
        {
            failure = error;
        }
        catch (ObjectDisposedException) when (Volatile.Read(ref _isClosing))
        {
            // Closed from this end.
        }

        var reason = _reason ?? (Volatile.Read(ref _isClosing) ? null : failure is BackendConnectionException ? failure : await WhyAsync().ConfigureAwait(false));
        await _printed.Writer.CompleteAsync(_reason).ConfigureAwait(false);
        if (reason is not null)
            _completion.TrySetException(reason);
        else
            _completion.TrySetResult();
        // Nobody has to look at how a session ended.
        _ = _completion.Task.Exception;
        _typed.Reader.CancelPendingRead();
    }

    private async Task<HypervisorException> WhyAsync()
    {
        try
        {
            return await _why(CancellationToken.None).ConfigureAwait(false);
        }
        catch (HypervisorException error)
        {
            return error;
        }
    }

    private async Task WriteAsync()
    {
        await Task.Yield();
        try
        {
            while (!Volatile.Read(ref _isClosing) && !_completion.Task.IsCompleted)
            {
                var read = await _typed.Reader.ReadAsync().ConfigureAwait(false);
                foreach (var part in read.Buffer)
                    await _stream.WriteAsync(part).ConfigureAwait(false);
                _typed.Reader.AdvanceTo(read.Buffer.End);
                if (read.IsCompleted)
                    break;
            }
        }
        catch (Exception error) when (error is HypervisorException or ObjectDisposedException or InvalidOperationException)
        {
            // The line is down: the reading end says why.
        }

        await _typed.Reader.CompleteAsync().ConfigureAwait(false);
    }

    /// <summary>Hands bytes to the user. False: the user wants no more, or has not made room in time.</summary>
    private async ValueTask<bool> HandOverAsync(ReadOnlyMemory<byte> bytes)
    {
        var written = _printed.Writer.WriteAsync(bytes);
        if (written.IsCompletedSuccessfully)
            return !written.Result.IsCompleted;
        try
        {
            return !(await written.AsTask().WaitAsync(_patience, _time).ConfigureAwait(false)).IsCompleted;
        }
        catch (TimeoutException error)
        {
            _reason ??= new HypervisorException($"The console was closed: {MaxUnreadBytes >> 10} KiB were not read for {_patience.TotalSeconds:0.#} s.", ErrorCode.Exhausted, RequestOutcome.Rejected, error);
            return false;
        }
    }
}
