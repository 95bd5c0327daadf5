using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.IO.Pipelines;
using Hypervisor.Sdk.Libvirt.Protocol;

namespace Hypervisor.Sdk.Libvirt.Rpc;

/// <content>Sending.</content>
internal sealed partial class LibvirtSession
{
    private const int UsualMessageBytes = 512;

    private bool _flushing;
    private bool _unflushed;
    private Task _lastFlush = Task.CompletedTask;


    /// <summary>Calls a procedure and returns what completes with its reply.</summary>
    [SuppressMessage("Reliability", "CA2012", Justification = "The value task is handed on.")]
    public ValueTask<T> CallAsync<TArguments, T>(
        LibvirtProcedure procedure, TArguments arguments, XdrRead<T> read, LibvirtStream? stream, TimeSpan timeout, CancellationToken cancellationToken)
        where TArguments : struct, IXdr<TArguments>
    {
        if (cancellationToken.IsCancellationRequested)
            return ValueTask.FromCanceled<T>(cancellationToken);
        var call = Begin(procedure, arguments, read, stream, timeout, cancellationToken, out var error);
        return call is null ? ValueTask.FromException<T>(error!) : new ValueTask<T>(call, call.Version);
    }

    /// <summary>Calls a procedure without a result.</summary>
    [SuppressMessage("Reliability", "CA2012", Justification = "The value task is handed on.")]
    public ValueTask CallAsync<TArguments>(LibvirtProcedure procedure, TArguments arguments, TimeSpan timeout, CancellationToken cancellationToken)
        where TArguments : struct, IXdr<TArguments>
    {
        if (cancellationToken.IsCancellationRequested)
            return ValueTask.FromCanceled(cancellationToken);
        var call = Begin(procedure, arguments, static (ref XdrReader r) => false, null, timeout, cancellationToken, out var error);
        return call is null ? ValueTask.FromException(error!) : new ValueTask(call, call.Version);
    }

    /// <summary>Sends a message that is no call: of a stream, or a keepalive.</summary>
    /// <returns>False when the session has ended.</returns>
    public bool Send(in RpcHeader header, ReadOnlySpan<byte> payload)
    {
        bool flush;
        lock (_gate)
        {
            if (_closeReason is not null)
                return false;
            var memory = _output.GetSpan(RpcHeader.PrefixBytes);
            var w = new XdrWriter(memory);
            header.Write(ref w);
            BinaryPrimitives.WriteInt32BigEndian(memory, RpcHeader.PrefixBytes + payload.Length);
            _output.Advance(RpcHeader.PrefixBytes);
            _output.Write(payload);
            _unflushed = true;
            flush = !_flushing && !_replies.IsDelivering;
            _flushing |= flush;
        }

        if (flush)
            Flush();
        return true;
    }

    /// <summary>Completes when the operating system has taken what was sent before the last flush that had to wait.</summary>
    public Task WritableAsync()
    {
        lock (_gate)
            return _lastFlush;
    }

    private LibvirtPendingCall<T>? Begin<TArguments, T>(
        LibvirtProcedure procedure, in TArguments arguments, XdrRead<T> read, LibvirtStream? stream, TimeSpan timeout, CancellationToken cancellationToken, out Exception? error)
        where TArguments : struct, IXdr<TArguments>
    {
        long now = _time.GetTimestamp();
        long deadline = timeout == Timeout.InfiniteTimeSpan ? long.MaxValue : now + (long)(timeout.TotalSeconds * _time.TimestampFrequency);
        var call = LibvirtPendingCall<T>.Rent(this, procedure, read, stream, deadline, timeout);
        bool flush = false;
        lock (_gate)
        {
            if (_closeReason is { } reason)
            {
                error = LibvirtErrors.NotSent(reason, procedure.Name);
                return null;
            }

            bool isNow = _pending.Count < _options.MaxClientRequests && _waiting.Count == 0;
            if (!isNow && _waiting.Count >= _options.MaxWaitingCalls)
            {
                error = LibvirtErrors.TooManyCalls(procedure.Name, _options.MaxWaitingCalls, Endpoint);
                return null;
            }

            call.Serial = NextSerial();
            var w = new XdrWriter(isNow ? _output.GetSpan(UsualMessageBytes) : default);
            try
            {
                new RpcHeader(procedure.Program, 1, procedure.Number, RpcType.Call, call.Serial, RpcStatus.Ok).Write(ref w);
                arguments.Write(ref w);
                if (isNow)
                    Put(ref w);
                else
                    Keep(call, ref w);
            }
            finally
            {
                w.Dispose();
            }

            if (isNow)
            {
                _pending.Add(call.Serial, call);
                call.IsSent = true;
                _unflushed = true;
                flush = !_flushing && !_replies.IsDelivering;
                _flushing |= flush;
            }
            else
            {
                _waiting.Enqueue(call);
            }

            ArmSweep(now, deadline);
        }

        error = null;
        call.CancelBy(cancellationToken);
        if (flush)
            Flush();
        return call;
    }

    /// <summary>Zero is the serial of messages that belong to no call. Under the lock.</summary>
    private uint NextSerial()
    {
        do
            _serial++;
        while (_serial == 0 || _pending.ContainsKey(_serial) || _streams.ContainsKey(_serial));
        return _serial;
    }

    /// <summary>Puts a message into the output. Under the lock.</summary>
    private void Put(ref XdrWriter w)
    {
        w.PatchLength();
        var message = w.Written;
        if (w.IsInPlace)
        {
            _output.Advance(message.Length);
            return;
        }

        message.CopyTo(_output.GetSpan(message.Length));
        _output.Advance(message.Length);
    }

    private static void Keep(LibvirtPendingCall call, ref XdrWriter w)
    {
        w.PatchLength();
        call.FrameBytes = w.Written.Length;
        call.Frame = w.Detach();
    }

    /// <summary>A call has been answered: the next one that waits, and still wants to, has its turn. Under the lock.</summary>
    private void SendWaiting()
    {
        while (_pending.Count < _options.MaxClientRequests && _waiting.TryDequeue(out var call))
        {
            if (call.IsSettled)
            {
                call.Release();
                continue;
            }

            call.Frame.AsSpan(0, call.FrameBytes).CopyTo(_output.GetSpan(call.FrameBytes));
            _output.Advance(call.FrameBytes);
            call.ReturnFrame();
            _pending.Add(call.Serial, call);
            call.IsSent = true;
            _unflushed = true;
        }
    }

    /// <summary>Sends what is written, and again while others wrote during it. One thread at a time: the one that set <see cref="_flushing"/>.</summary>
    private void Flush()
    {
        while (true)
        {
            ValueTask<FlushResult> flush;
            lock (_gate)
            {
                if (!_unflushed || _closeReason is not null)
                {
                    _flushing = false;
                    return;
                }

                _unflushed = false;
                // What is done at once is done with; what is not becomes a task, which the next flush does not reuse.
                flush = _output.FlushAsync().Preserve();
                if (!flush.IsCompletedSuccessfully)
                {
                    _lastFlush = FinishFlushAsync(flush);
                    return;
                }
            }
        }
    }

    /// <summary>The socket is full, or broken: waits, then goes on. An error closes the session, so nothing is lost here.</summary>
    private async Task FinishFlushAsync(ValueTask<FlushResult> flush)
    {
        // Not in the caller's lock.
        await Task.Yield();
        try
        {
            await flush.ConfigureAwait(false);
        }
        catch (Exception error)
        {
            Close(LibvirtErrors.CloseReason(Endpoint, error));
        }

        Flush();
    }

    /// <summary>Sends what was written while replies were delivered, unless somebody is sending.</summary>
    public void FlushDeferred()
    {
        lock (_gate)
        {
            if (!_unflushed || _flushing)
                return;
            _flushing = true;
        }

        Flush();
    }
}
