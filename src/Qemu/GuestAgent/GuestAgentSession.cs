using System.Buffers;
using System.Security.Cryptography;
using System.Text.Json;
using Hypervisor.Sdk.Qemu.Qapi;
using Hypervisor.Sdk.Qemu.Qmp;
using Hypervisor.Sdk.Transport;

namespace Hypervisor.Sdk.Qemu.GuestAgent;

/// <summary>One channel to one agent: one command at a time, and into step again after a call that did not end regularly (docs/interop/qemu-ga-ref, guest-sync-delimited).</summary>
internal sealed class GuestAgentSession(Connection connection, GuestAgentClientOptions options) : IAsyncDisposable
{
    /// <summary>A byte that is in no JSON text: the agent throws away what it has read of a command when it comes, and sends it before the reply to guest-sync-delimited.</summary>
    private const byte Sentinel = 0xFF;

#pragma warning disable CA2213 // Has nothing to release without a wait handle, and calls that wait for their turn must still get it to see that the client has ended.
    private readonly SemaphoreSlim _turn = new(1, 1);
#pragma warning restore CA2213
    private HypervisorException? _closeReason;
    private HashSet<string>? _enabled;
    private bool _inStep;
    private long _scannedBytes;

    private delegate bool TakeLine<T>(ReadOnlySpan<byte> line, bool hadSentinel, out T result);

    public string Endpoint => connection.Endpoint;

    public HypervisorException? CloseReason => Volatile.Read(ref _closeReason);

    private string Peer => $"The guest agent ({Endpoint})";

    public async ValueTask<T> CallAsync<T>(QapiCommand command, Action<Utf8JsonWriter>? write, QapiRead<T> read, TimeSpan timeout, CancellationToken cancellationToken)
    {
        byte[] message = Message(command, write);
        await EnterAsync(command, cancellationToken).ConfigureAwait(false);
        try
        {
            await GetIntoStepAsync(command, cancellationToken).ConfigureAwait(false);
            _inStep = false;
            var result = await ExchangeAsync(command, message, (ReadOnlySpan<byte> line, bool _, out T value) => Decode(line, command, read, out value), timeout, cancellationToken)
                .ConfigureAwait(false);
            _inStep = true;
            return result;
        }
        catch (HypervisorException error) when (error.Outcome == RequestOutcome.Rejected || IsUnreadableReply(error) && error.Code == ErrorCode.Protocol)
        {
            // The agent has answered: it is in step.
            _inStep = true;
            throw;
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>
    /// A command that is not answered when it works: a second one goes behind it, and whatever comes first, an error or the second one's reply, tells. Silence, or the end of the
    /// connection, is what a guest that shuts down or sleeps looks like.
    /// </summary>
    public async ValueTask CallWithoutReplyAsync(QapiCommand command, Action<Utf8JsonWriter>? write, CancellationToken cancellationToken)
    {
        byte[] message = Message(command, write);
        await EnterAsync(command, cancellationToken).ConfigureAwait(false);
        try
        {
            await GetIntoStepAsync(command, cancellationToken).ConfigureAwait(false);
            _inStep = false;
            long id = RandomNumberGenerator.GetInt32(int.MaxValue);
            await ExchangeAsync(
                command,
                [.. message, .. SyncMessage(id)],
                (ReadOnlySpan<byte> line, bool hadSentinel, out bool done) =>
                {
                    done = hadSentinel && IsSyncReply(line, id);
                    return done || Decode(line, command, static (ref Utf8JsonReader r) => r.TokenType == JsonTokenType.None, out done);
                },
                options.SyncTimeout,
                cancellationToken).ConfigureAwait(false);
            _inStep = true;
        }
        catch (HypervisorException error) when (error.Code == ErrorCode.Timeout || error is BackendConnectionException { Outcome: RequestOutcome.Unknown } && CloseReason == error)
        {
            // Silence and the end are the regular answer here.
        }
        catch (HypervisorException error) when (error.Outcome == RequestOutcome.Rejected)
        {
            throw;
        }
        finally
        {
            _turn.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        Close(QmpErrors.Closed(Endpoint, "the client was disposed"));
        await connection.DisposeAsync().ConfigureAwait(false);
    }

    private async ValueTask EnterAsync(QapiCommand command, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        if (CloseReason is { } reason)
        {
            _turn.Release();
            throw QmpErrors.NotSent(reason, command.Name);
        }
    }

    /// <summary>Finds into step unless the last call ended regularly, and asks what the agent can do: it may be another one since.</summary>
    private async ValueTask GetIntoStepAsync(QapiCommand command, CancellationToken cancellationToken)
    {
        if (!_inStep)
        {
            try
            {
                long id = RandomNumberGenerator.GetInt32(int.MaxValue);
                await ExchangeAsync(
                    GuestAgentCommands.GuestSyncDelimited,
                    SyncMessage(id),
                    (ReadOnlySpan<byte> line, bool hadSentinel, out bool done) => done = hadSentinel && IsSyncReply(line, id),
                    options.SyncTimeout,
                    cancellationToken).ConfigureAwait(false);
                var info = await ExchangeAsync(
                    GuestAgentCommands.GuestInfo,
                    Message(GuestAgentCommands.GuestInfo, null),
                    (ReadOnlySpan<byte> line, bool _, out GuestAgentInfo? value) => DecodeInfo(line, out value),
                    options.SyncTimeout,
                    cancellationToken).ConfigureAwait(false);
                _enabled = info?.SupportedCommands.Where(known => known.Enabled).Select(known => known.Name).ToHashSet();
            }
            catch (HypervisorException error) when (error.Code == ErrorCode.Timeout)
            {
                throw new HypervisorException(
                    $"{command.Name} was not sent: the guest agent ({Endpoint}) did not answer within {options.SyncTimeout.TotalSeconds:0.###} s. Is it installed and running in the guest?",
                    ErrorCode.Unavailable,
                    RequestOutcome.NotSent,
                    error);
            }

            _inStep = true;
        }

        if (_enabled is not null && !_enabled.Contains(command.Name))
            throw QmpErrors.NotOffered(command.Name, Peer);
    }

    /// <summary>Sends a message and reads lines until one is the answer. A time-out or cancellation leaves the channel out of step and usable.</summary>
    private async ValueTask<T> ExchangeAsync<T>(QapiCommand command, byte[] message, TakeLine<T> take, TimeSpan timeout, CancellationToken cancellationToken)
    {
        using var timer = new CancellationTokenSource(timeout, options.TimeProvider);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timer.Token);
        try
        {
            await SendAsync(message, either.Token).ConfigureAwait(false);
            while (true)
            {
                var read = await connection.Input.ReadAsync(either.Token).ConfigureAwait(false);
                var buffer = read.Buffer;
                bool taken = TryTake(ref buffer, take, out T? result, out var failure);
                connection.Input.AdvanceTo(buffer.Start, taken || failure is not null ? buffer.Start : buffer.End);
                if (failure is not null)
                    throw failure;
                if (taken)
                    return result!;
                if (read.IsCompleted)
                    throw QmpErrors.Closed(Endpoint, "the other end closed it");
            }
        }
        catch (OperationCanceledException) when (either.IsCancellationRequested)
        {
            if (cancellationToken.IsCancellationRequested)
                throw new OperationCanceledException($"Waiting for {command.Name} was cancelled. The guest may have executed it.", cancellationToken);
            throw QmpErrors.TimedOut(command.Name, timeout, Peer);
        }
        catch (Exception error) when (error is not HypervisorException { Outcome: RequestOutcome.Rejected } && !IsUnreadableReply(error))
        {
            throw Close(QmpErrors.CloseReason(Endpoint, error));
        }
    }

    /// <summary>Takes lines off the buffer until one is the answer. An exception of the answer comes out beside it, so that the line is consumed all the same.</summary>
    private bool TryTake<T>(ref ReadOnlySequence<byte> buffer, TakeLine<T> take, out T? result, out Exception? failure)
    {
        failure = null;
        result = default;
        while (LineFraming.TryReadLine(ref buffer, options.MaxMessageBytes, ref _scannedBytes, out var line))
        {
            var bytes = line.IsSingleSegment ? line.FirstSpan : line.ToArray();
            int sentinel = bytes.LastIndexOf(Sentinel);
            bytes = bytes[(sentinel + 1)..];
            if (bytes.IsEmpty)
                continue;
            try
            {
                if (take(bytes, sentinel >= 0, out result))
                    return true;
            }
            catch (Exception error) when (error is HypervisorException or JsonException or QapiFormatException or InvalidOperationException or FormatException)
            {
                failure = error;
                return false;
            }
        }

        return false;
    }

    private async ValueTask SendAsync(byte[] message, CancellationToken cancellationToken)
    {
        try
        {
            await connection.Output.WriteAsync(message, cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // The channel is full because nobody reads it, and part of a command is in it: only a new connection can begin anew.
            Close(QmpErrors.Closed(Endpoint, "the guest does not read its agent channel"));
            throw;
        }
    }

    private HypervisorException Close(HypervisorException reason)
    {
        if (Interlocked.CompareExchange(ref _closeReason, reason, null) is { } first)
            return first;
        connection.Abort(reason);
        return reason;
    }

    private bool Decode<T>(ReadOnlySpan<byte> line, QapiCommand command, QapiRead<T> read, out T value)
    {
        var message = QmpMessage.Parse(line);
        if (message.Kind == QmpMessageKind.Error)
            throw QmpErrors.Rejected(message.Value, Peer, command.Name);
        if (message.Kind != QmpMessageKind.Return)
            throw QmpErrors.BrokenProtocol(Endpoint, $"it answered {command.Name} with something that is no reply");
        try
        {
            var r = new Utf8JsonReader(message.Value, Wire.ReaderOptions);
            r.Read();
            value = read(ref r);
            return true;
        }
        catch (Exception error) when (error is JsonException or QapiFormatException or InvalidOperationException or FormatException)
        {
            throw QmpErrors.UnreadableReply(command.Name, Endpoint, error);
        }
    }

    /// <summary>What the agent can do; null when it does not say, which an agent with guest-info switched off does.</summary>
    private bool DecodeInfo(ReadOnlySpan<byte> line, out GuestAgentInfo? info)
    {
        if (QmpMessage.Parse(line).Kind == QmpMessageKind.Error)
        {
            info = null;
            return true;
        }

        bool decoded = Decode(line, GuestAgentCommands.GuestInfo, static (ref Utf8JsonReader r) => new GuestAgentInfo(ref r), out var value);
        info = value;
        return decoded;
    }

    private static bool IsUnreadableReply(Exception error) =>
        error is HypervisorException { Outcome: RequestOutcome.Unknown } and not (BackendProtocolException or BackendConnectionException);

    private static bool IsSyncReply(ReadOnlySpan<byte> line, long id)
    {
        try
        {
            var message = QmpMessage.Parse(line);
            var r = new Utf8JsonReader(message.Value);
            return message.Kind == QmpMessageKind.Return && r.Read() && r.TokenType == JsonTokenType.Number && r.TryGetInt64(out long answered) && answered == id;
        }
        catch (Exception error) when (error is JsonException or QapiFormatException)
        {
            // What was under way before is torn, and of no interest.
            return false;
        }
    }

    private static byte[] SyncMessage(long id) => [Sentinel, .. Message(GuestAgentCommands.GuestSyncDelimited, w => w.Put("id"u8, id))];

    private static byte[] Message(QapiCommand command, Action<Utf8JsonWriter>? write)
    {
        var buffer = new ArrayBufferWriter<byte>(128);
        using (var w = new Utf8JsonWriter(buffer, Wire.WriterOptions))
        {
            w.WriteStartObject();
            w.WriteString("execute"u8, command.Utf8);
            if (write is not null)
            {
                w.WriteStartObject("arguments"u8);
                write(w);
                w.WriteEndObject();
            }

            w.WriteEndObject();
        }

        buffer.Write("\n"u8);
        return buffer.WrittenSpan.ToArray();
    }
}
