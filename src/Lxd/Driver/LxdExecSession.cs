using System.Buffers;
using System.Text.Json;
using Hypervisor.Sdk.Drivers;
using Hypervisor.Sdk.Transport.WebSockets;

namespace Hypervisor.Sdk.Lxd.Driver;

/// <summary>
/// A running command. Outputs are read where they were received, and only when somebody reads: a slow reader stops the command. The servers end the stream of an output with an empty text message, or close it, and close the control
/// stream when the command has ended; who closes the control stream before has the command killed.
/// </summary>
internal sealed class LxdExecSession(LxdParts parts, InstanceId id, LxdInstanceExecPost post, LxdOperation begun, LxdExecSession.Waits waits, Func<CancellationToken, Task<bool>>? isMissing) : ExecSession
{
    private const int NotFound = 127;
    private const int MaxMessageBytes = 64 << 10;
    private const byte EndOfInput = 4;

    private readonly CancellationTokenSource _closed = new();
    private readonly List<Output> _outputs = [];
    private readonly List<Task> _quiet = [];
    private readonly string _what = $"'{post.Command![0]}' in '{id}'";
    private WebSocketConnection? _control;
    private WebSocketConnection? _input;
    private Task<int>? _end;
    private Task<int>? _result;
    private int _next;
    private int? _exitCode;
    private bool _hasRead;
    private bool _isInputEnded;
    private int _isDisposed;

    public override bool CanSignal => true;

    public override bool CanResize => post.Interactive is true;

    public override int? ExitCode => _exitCode;

    /// <summary>Connects the streams. The control stream is first: without the others the command is not started, and without it nobody could wait for one that ends at once.</summary>
    public async Task ConnectAsync(CancellationToken cancellationToken)
    {
        _control = await OpenAsync("control", cancellationToken).ConfigureAwait(false);
        var controlled = LxdControl.DrainAsync(_control);
        _quiet.Add(controlled);
        _end = EndAsync(controlled);
        if (CanResize)
        {
            _input = await OpenAsync("0", cancellationToken).ConfigureAwait(false);
            _outputs.Add(new Output(ExecChannel.StandardOutput, _input));
            return;
        }

        Task<WebSocketConnection>[] opened = [OpenAsync("0", cancellationToken), OpenAsync("1", cancellationToken), OpenAsync("2", cancellationToken)];
        await ((Task)Task.WhenAll(opened)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (opened[0].IsCompletedSuccessfully)
            _quiet.Add(LxdControl.DrainAsync(_input = await opened[0].ConfigureAwait(false)));
        foreach (var (channel, socket) in new[] { (ExecChannel.StandardOutput, opened[1]), (ExecChannel.StandardError, opened[2]) })
        {
            if (socket.IsCompletedSuccessfully)
                _outputs.Add(new Output(channel, await socket.ConfigureAwait(false)));
        }

        await Task.WhenAll(opened).ConfigureAwait(false);
    }

    /// <summary>Of a command whose streams could not be connected: the server has given it up because they came too late. Then it has not been started.</summary>
    public async Task<bool> IsLateAsync(CancellationToken cancellationToken)
    {
        try
        {
            await (_end ?? EndAsync(Task.CompletedTask)).WaitAsync(cancellationToken).ConfigureAwait(false);
            return false;
        }
        catch (LxdException error)
        {
            return error.BackendMessage?.Contains("waiting for websockets", StringComparison.OrdinalIgnoreCase) is true;
        }
    }

    public override async ValueTask<ExecRead> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (buffer.IsEmpty)
            throw new ArgumentException("A buffer of at least one byte is needed.", nameof(buffer));
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            ObjectDisposedException.ThrowIf(_isDisposed != 0, this);
            if (Take(buffer.Span) is { } read)
                return read;
            var waiting = _outputs.Where(output => !output.IsEnded).Select(output => output.Receive()).ToList();
            if (waiting.Count == 0)
                break;
            await Task.WhenAny(waiting).WaitAsync(cancellationToken).ConfigureAwait(false);
        }

        _result ??= ResultAsync();
        _exitCode = await _result.WaitAsync(cancellationToken).ConfigureAwait(false);
        return new ExecRead(ExecChannel.End, 0);
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> input, CancellationToken cancellationToken = default)
    {
        if (_isInputEnded)
            throw Refusal.InvalidState(id, $"The input of {_what} was ended.");
        for (int at = 0; at < input.Length; at += MaxMessageBytes)
            await SendAsync(_input!, WebSocketMessageKind.Binary, input.Slice(at, Math.Min(MaxMessageBytes, input.Length - at)), cancellationToken).ConfigureAwait(false);
    }

    public override async ValueTask CompleteInputAsync(CancellationToken cancellationToken = default)
    {
        if (_isInputEnded)
            return;
        _isInputEnded = true;

        // A terminal has no end, but a character for it.
        if (CanResize)
            await SendAsync(_input!, WebSocketMessageKind.Binary, new[] { EndOfInput }, cancellationToken).ConfigureAwait(false);
        else
            await SendAsync(_input!, WebSocketMessageKind.Text, default, cancellationToken).ConfigureAwait(false);
    }

    public override ValueTask ResizeAsync(int columns, int rows, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(columns, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(rows, 1);
        return CanResize ? ControlAsync(LxdControl.Resize(columns, rows), cancellationToken) : throw Refusal.Unsupported("terminal", $"{_what} has no terminal.");
    }

    public override ValueTask SignalAsync(SignalName signal, CancellationToken cancellationToken = default)
    {
        if (signal.IsDefault)
            throw new ArgumentException("A signal is needed.", nameof(signal));
        return LinuxSignals.NumberOf(signal) is { } number ? ControlAsync(LxdControl.Signal(number), cancellationToken) : throw Refusal.Invalid("signal", $"Linux knows no {signal}.");
    }

    public override async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0)
            return;
        await _closed.CancelAsync().ConfigureAwait(false);
        foreach (var socket in _outputs.Select(output => output.Socket).Append(_input).Append(_control))
        {
            if (socket is not null)
                await socket.DisposeAsync().ConfigureAwait(false);
        }

        foreach (var task in _quiet.Concat(_outputs.Select(output => output.Pending)).Append(_end).Append(_result))
        {
            if (task is not null)
                await task.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        _closed.Dispose();
    }

    /// <summary>What has been received already, of the one output and the other in turn.</summary>
    private ExecRead? Take(Span<byte> buffer)
    {
        for (int i = 0; i < _outputs.Count; i++)
        {
            var output = _outputs[(_next + i) % _outputs.Count];
            int count = output.Take(buffer);
            if (count == 0)
                continue;
            _hasRead = true;
            _next = (_next + i + 1) % _outputs.Count;
            return new ExecRead(output.Channel, count);
        }

        return null;
    }

    private async Task<int> ResultAsync()
    {
        // The server waits with a terminal's operation until the client has let go of the stream.
        foreach (var output in _outputs)
            await output.Socket.DisposeAsync().ConfigureAwait(false);
        int code = await _end!.ConfigureAwait(false);
        if (!CanResize && _outputs.Any(output => !output.IsWhole))
            throw new BackendConnectionException($"The connection of an output of {_what} was lost: it ended with the exit code {code}, and some of what it printed is missing.", ErrorCode.Unavailable, RequestOutcome.FailedMidway) { Backend = parts.Name, Resource = $"instance {id}" };
        if (code != NotFound || _hasRead || isMissing is null || !await isMissing(_closed.Token).ConfigureAwait(false))
            return code;
        throw new HypervisorException($"There is no program '{post.Command![0]}' in '{id}'.", ErrorCode.NotFound, RequestOutcome.Rejected) { Backend = parts.Name, Resource = post.Command[0] };
    }

    /// <summary>Waits for the end from the beginning, for the server drops an operation soon after it. Where too many wait already, it is waited when the server has closed the control stream.</summary>
    private async Task<int> EndAsync(Task controlled)
    {
        bool isCounted = waits.TryTake();
        try
        {
            if (!isCounted)
                await controlled.ConfigureAwait(false);
            var operation = await OverAsync().ConfigureAwait(false);
            if (operation.Metadata is { } metadata && metadata.TryGetValue("return", out var code) && code.ValueKind == JsonValueKind.Number && code.TryGetInt32(out int number) && number >= 0)
                return number;
            throw LxdClient.FailureOf(operation, _what);
        }
        catch (BackendConnectionException error)
        {
            throw new BackendConnectionException($"The connection to the server was lost while {_what} ran: how it ended is not known. {error.Message}", ErrorCode.Unavailable, RequestOutcome.Unknown, error) { Backend = parts.Name, Resource = $"instance {id}" };
        }
        finally
        {
            if (isCounted)
                waits.GiveBack();
        }
    }

    private async Task<LxdOperation> OverAsync()
    {
        try
        {
            while (true)
            {
                var operation = (await parts.Client.OperationWaitGetAsync(begun.Id!, new LxdCall { Timeout = -1 }, _closed.Token).ConfigureAwait(false)).Value;
                if (operation.StatusCode is not (>= 100 and < 200))
                    return operation;
            }
        }
        catch (LxdException error) when (error.Outcome == RequestOutcome.FailedMidway)
        {
            // An answer that says of a failed operation only that it has failed.
            return (await parts.Client.OperationGetAsync(begun.Id!, cancellationToken: _closed.Token).ConfigureAwait(false)).Value;
        }
    }

    private ValueTask ControlAsync(byte[] message, CancellationToken cancellationToken) => SendAsync(_control!, WebSocketMessageKind.Text, message, cancellationToken);

    private async ValueTask SendAsync(WebSocketConnection socket, WebSocketMessageKind kind, ReadOnlyMemory<byte> message, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_isDisposed != 0, this);
        try
        {
            var sending = socket.SendAsync(kind, message, cancellationToken: cancellationToken);
            if (sending.IsCompleted)
                await sending.ConfigureAwait(false);
            else
                await sending.AsTask().WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception error) when (error is IOException or InvalidOperationException)
        {
            ObjectDisposedException.ThrowIf(_isDisposed != 0, this);
            await RefuseEndedAsync(error, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>The stream is closed: the command has ended, unless nobody answers any more.</summary>
    private async Task RefuseEndedAsync(Exception error, CancellationToken cancellationToken)
    {
        try
        {
            await parts.Client.OperationGetAsync(begun.Id!, cancellationToken: cancellationToken).ConfigureAwait(false);
        }
        catch (LxdException)
        {
            // It is not kept any longer.
        }

        throw new HypervisorException($"{_what} has ended and takes nothing more.", ErrorCode.InvalidState, RequestOutcome.Rejected, error) { Backend = parts.Name, Resource = $"instance {id}" };
    }

    private Task<WebSocketConnection> OpenAsync(string stream, CancellationToken cancellationToken) => LxdControl.OpenAsync(parts.Client, begun, stream, cancellationToken);

    /// <summary>How many may wait at once.</summary>
    internal sealed class Waits(int free)
    {
        public bool TryTake()
        {
            if (Interlocked.Decrement(ref free) >= 0)
                return true;
            Interlocked.Increment(ref free);
            return false;
        }

        public void GiveBack() => Interlocked.Increment(ref free);
    }

    /// <summary>The stream of an output.</summary>
    private sealed class Output(ExecChannel channel, WebSocketConnection socket)
    {
        private ReadOnlySequence<byte> _rest;

        public ExecChannel Channel => channel;

        public WebSocketConnection Socket => socket;

        public bool IsEnded { get; private set; }

        /// <summary>Whether the server has said that nothing more comes. It says so of each output that is no terminal.</summary>
        public bool IsWhole { get; private set; }

        public Task<WebSocketMessage>? Pending { get; private set; }

        /// <summary>Waits for a message; one that was waited for before is not lost.</summary>
        public Task Receive() => Pending ??= socket.ReceiveAsync().AsTask();

        /// <summary>Copies what is there; 0 when there is nothing.</summary>
        public int Take(Span<byte> buffer)
        {
            if (_rest.IsEmpty && Pending is { IsCompleted: true } received)
            {
                Pending = null;
                Accept(received);
            }

            // What is borrowed is not looked at again when all of it was taken: the next message comes where it was.
            if (_rest.IsEmpty)
                return 0;
            int count = (int)Math.Min(buffer.Length, _rest.Length);
            _rest.Slice(0, count).CopyTo(buffer);
            _rest = count == _rest.Length ? default : _rest.Slice(count);
            return count;
        }

        private void Accept(Task<WebSocketMessage> received)
        {
            // How the command has ended says the operation, also when the connection is lost.
            if (received is { IsCompletedSuccessfully: true, Result: { Kind: WebSocketMessageKind.Binary } message })
                _rest = message.Payload;
            else
                IsEnded = true;
            IsWhole = received is { IsCompletedSuccessfully: true, Result.Kind: WebSocketMessageKind.Text };
            _ = received.Exception;
        }
    }
}
