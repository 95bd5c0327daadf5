using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.IO.Pipelines;
using System.Text.Json;
using Hypervisor.Sdk.Qemu.Qapi;

namespace Hypervisor.Sdk.Qemu.Qmp;

/// <content>Sending calls.</content>
internal sealed partial class QmpSession
{
    private readonly ArrayBufferWriter<byte> _arguments = new(256);
    private Utf8JsonWriter? _json;
    private bool _flushing;
    private bool _unflushed;


    /// <summary>Sends a command and returns what completes with its reply.</summary>
    [SuppressMessage("Reliability", "CA2012", Justification = "The value task is handed on.")]
    public ValueTask<T> CallAsync<TState, T>(
        QapiCommand command, TState state, Action<Utf8JsonWriter, TState>? write, QapiRead<T> read, bool outOfBand, TimeSpan timeout, CancellationToken cancellationToken)
    {
        var call = Send(command, state, write, read, outOfBand, timeout, cancellationToken, out var failed);
        return call is null ? failed : new ValueTask<T>(call, call.Version);
    }

    /// <summary>The same for a command whose reply says only that it is done.</summary>
    [SuppressMessage("Reliability", "CA2012", Justification = "The value task is handed on.")]
    public ValueTask CallAsync<TState>(QapiCommand command, TState state, Action<Utf8JsonWriter, TState>? write, bool outOfBand, TimeSpan timeout, CancellationToken cancellationToken)
    {
        var call = Send(command, state, write, s_nothing, outOfBand, timeout, cancellationToken, out var failed);
        return call is null ? new ValueTask(failed.AsTask()) : new ValueTask(call, call.Version);
    }

    private static readonly QapiRead<NoArguments> s_nothing = static (ref Utf8JsonReader r) =>
    {
        r.Skip();
        return default;
    };

    private QmpPendingCall<T>? Send<TState, T>(
        QapiCommand command, TState state, Action<Utf8JsonWriter, TState>? write, QapiRead<T> read, bool outOfBand, TimeSpan timeout, CancellationToken cancellationToken, out ValueTask<T> failed)
    {
        failed = default;
        if (cancellationToken.IsCancellationRequested)
        {
            failed = ValueTask.FromCanceled<T>(cancellationToken);
            return null;
        }

        if (!Offers(command))
        {
            failed = ValueTask.FromException<T>(QmpErrors.NotOffered(command.Name, Peer));
            return null;
        }

        if (outOfBand && !OutOfBand)
        {
            failed = ValueTask.FromException<T>(new HypervisorException(
                $"{command.Name} was not sent: out-of-band execution was not negotiated with {Endpoint}.", ErrorCode.Unsupported, RequestOutcome.NotSent));
            return null;
        }

        long now = _time.GetTimestamp();
        long deadline = timeout == Timeout.InfiniteTimeSpan ? long.MaxValue : now + (long)(timeout.TotalSeconds * _time.TimestampFrequency);
        var call = QmpPendingCall<T>.Rent(this, command, read, deadline, timeout);
        bool flush;
        lock (_gate)
        {
            if (_closeReason is { } reason)
            {
                failed = ValueTask.FromException<T>(QmpErrors.NotSent(reason, command.Name));
                return null;
            }

            if (write is not null)
                WriteArguments(state, write);
            if (!_pending.TryAdd(call))
            {
                failed = ValueTask.FromException<T>(QmpErrors.TooManyCalls(command.Name, _options.MaxPendingCalls, Endpoint));
                return null;
            }

            WriteMessage(command, write is null ? default : _arguments.WrittenSpan, call.Id, outOfBand);
            ArmSweep(now, deadline);

            _unflushed = true;
            flush = !_flushing && !_replies.IsDelivering;
            _flushing |= flush;
        }

        call.CancelBy(cancellationToken);
        if (flush)
            Flush();
        return call;
    }

    /// <summary>Serialises the arguments aside, so that a value that cannot be written leaves nothing behind.</summary>
    private void WriteArguments<TState>(TState state, Action<Utf8JsonWriter, TState> write)
    {
        _arguments.ResetWrittenCount();
        if (_json is null)
            _json = new Utf8JsonWriter(_arguments, Wire.WriterOptions);
        else
            _json.Reset(_arguments);
        _json.WriteStartObject();
        write(_json, state);
        _json.WriteEndObject();
        _json.Flush();
    }

    private void WriteMessage(QapiCommand command, ReadOnlySpan<byte> arguments, int id, bool outOfBand)
    {
        const int Frame = 64;
        var span = _output.GetSpan(Frame + command.Utf8.Length + arguments.Length);
        int length = 0;
        Append(span, outOfBand ? "{\"exec-oob\":\""u8 : "{\"execute\":\""u8, ref length);
        Append(span, command.Utf8, ref length);
        if (arguments.Length > 0)
        {
            Append(span, "\",\"arguments\":"u8, ref length);
            Append(span, arguments, ref length);
            Append(span, ",\"id\":"u8, ref length);
        }
        else
        {
            Append(span, "\",\"id\":"u8, ref length);
        }

        id.TryFormat(span[length..], out int digits, default, System.Globalization.CultureInfo.InvariantCulture);
        length += digits;
        Append(span, "}\n"u8, ref length);
        _output.Advance(length);
    }

    private static void Append(Span<byte> span, ReadOnlySpan<byte> bytes, ref int length)
    {
        bytes.CopyTo(span[length..]);
        length += bytes.Length;
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
            }

            if (!flush.IsCompletedSuccessfully)
            {
                _ = FinishFlushAsync(flush);
                return;
            }
        }
    }

    /// <summary>The socket is full, or broken: waits, then goes on. An error closes the session, so nothing is lost here.</summary>
    private async Task FinishFlushAsync(ValueTask<FlushResult> flush)
    {
        try
        {
            await flush.ConfigureAwait(false);
        }
        catch (Exception error)
        {
            Close(QmpErrors.CloseReason(Endpoint, error));
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
