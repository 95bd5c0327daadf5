using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;
using Hypervisor.Sdk.Simulation.Calls;
using Hypervisor.Sdk.Simulation.Guests;
using Hypervisor.Sdk.Simulation.Worlds;

namespace Hypervisor.Sdk.Simulation.Driver;

/// <summary>Programs in guests, as conversations.</summary>
internal sealed class ExecService(SimulationClient client) : IExec
{
    public Task<ExecSession> StartAsync(InstanceId id, CommandSpec spec, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(spec);
        cancellationToken.ThrowIfCancellationRequested();
        string? arguments = CallText.Json(client.World, spec);
        return client.World.Calls.EnterAsync(client, "exec", id.ToString(), () => CallText.Of(client.World, null, arguments), () =>
        {
            var session = new Session(client.World, GuestProcess.Prepare(client.World, id, spec), id.ToString(), spec.Terminal);
            session.Start();
            return Task.FromResult<ExecSession>(session);
        });
    }

    [SuppressMessage("Usage", "CA2213", Justification = "Disposed within the loop, where it belongs.")]
    private sealed class Session(World world, GuestProcess process, string instance, bool hasTerminal) : ExecSession, ITracedSession
    {
        private const int MaxUnreadBytes = 4 << 20;
        private const int MaxInputBytes = 4 << 20;

        private static readonly string[] s_signals = ["SIGINT", "SIGTERM", "SIGKILL", "SIGHUP", "SIGQUIT"];

        // Belongs to the loop.
        private readonly Queue<(ExecChannel Channel, ReadOnlyMemory<byte> Bytes)> _output = new();
        private readonly Queue<byte> _input = new();
        private readonly CancellationTokenSource _killed = new();
        private long _unread;
        private bool _isInputEnded;
        private bool _hasEnded;
        private bool _isDisposed;
        private int? _exitCode;
        private long _number;
        private TaskCompletionSource? _typed;
        private TaskCompletionSource? _arrived;

        public override bool CanSignal => true;

        public override bool CanResize => hasTerminal;

        public override int? ExitCode => _exitCode;

        public void Start()
        {
            _number = world.Sessions.Add(this);
            _ = RunAsync();
        }

        public Task AgainAsync(string action, string text) => action switch
        {
            "read" => ReadAsync(new byte[Math.Min(int.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture), MaxUnreadBytes)]).AsTask(),
            "write" => WriteAsync(SessionLog.Bytes(text)).AsTask(),
            "end-input" => CompleteInputAsync().AsTask(),
            "signal" => SignalAsync(SignalName.Parse(text)).AsTask(),
            "end" => DisposeAsync().AsTask(),
            _ => throw new FormatException($"nothing is done to a program by '{action}'"),
        };

        public override async ValueTask<ExecRead> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            while (true)
            {
                cancellationToken.ThrowIfCancellationRequested();
                bool isWithin = world.Loop.IsCurrent;
                var (read, arrived) = await world.Loop.EnterAsync(() => Task.FromResult(Take(buffer, isWithin))).ConfigureAwait(true);
                if (read is { } result)
                    return result;
                await world.WaitOutsideAsync(arrived!, cancellationToken, () => !_hasEnded && _typed is not { Task.IsCompleted: false }).ConfigureAwait(true);
            }
        }

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> input, CancellationToken cancellationToken = default)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var copy = input.ToArray();
            return new ValueTask(world.Loop.EnterAsync(() =>
            {
                if (_hasEnded || _isInputEnded)
                    throw world.Refused(ErrorCode.InvalidState, _hasEnded ? "The program has ended and reads no more." : "The input was ended.");
                if (_input.Count + copy.Length > MaxInputBytes)
                    throw world.Refused(ErrorCode.Exhausted, $"The program does not read: {MaxInputBytes >> 20} MiB wait for it.");
                Note("write", () => SessionLog.Text(copy));
                foreach (byte one in copy)
                {
                    if (hasTerminal && one == 3)
                        _killed.Cancel();
                    else if (hasTerminal && one == 4)
                        _isInputEnded = true;
                    else
                        _input.Enqueue(hasTerminal && one == '\r' ? (byte)'\n' : one);
                }

                _typed?.TrySetResult();
                return Task.FromResult(true);
            }));
        }

        public override ValueTask CompleteInputAsync(CancellationToken cancellationToken = default) => Enter(() =>
        {
            Note("end-input");
            _isInputEnded = true;
            _typed?.TrySetResult();
        });

        public override ValueTask ResizeAsync(int columns, int rows, CancellationToken cancellationToken = default)
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(columns, 1);
            ArgumentOutOfRangeException.ThrowIfLessThan(rows, 1);
            return hasTerminal ? ValueTask.CompletedTask : throw world.Refused(ErrorCode.Unsupported, "The program has no terminal.");
        }

        public override ValueTask SignalAsync(SignalName signal, CancellationToken cancellationToken = default)
        {
            if (!s_signals.Contains(signal.ToString(), StringComparer.Ordinal))
                throw world.Unsupported("signal", $"programs of simulated guests know {string.Join(", ", s_signals)}, not {signal}");
            return Enter(() =>
            {
                Note("signal", signal.ToString);
                _killed.Cancel();
            });
        }

        public override ValueTask DisposeAsync()
        {
            // What runs on alone would be seen by nobody.
            world.Loop.Post(() =>
            {
                if (_isDisposed)
                    return;
                _isDisposed = true;
                Note("end");
                _killed.Cancel();
                _killed.Dispose();
            });
            return ValueTask.CompletedTask;
        }

        private void Note(string action, Func<string>? text = null) => world.Sessions.Note(_number, instance, action, text);

        private ValueTask Enter(Action body) => new(world.Loop.EnterAsync(() =>
        {
            body();
            return Task.FromResult(true);
        }));

        private async Task RunAsync()
        {
            var streams = new GuestStreams(ReadInputAsync, bytes => Keep(ExecChannel.StandardOutput, bytes), bytes => Keep(hasTerminal ? ExecChannel.StandardOutput : ExecChannel.StandardError, bytes));
            int? code = await process.RunAsync(streams, _killed.Token).ConfigureAwait(false);
            _exitCode = code;
            _hasEnded = true;
            _arrived?.TrySetResult();
        }

        private async ValueTask<int> ReadInputAsync(Memory<byte> buffer, CancellationToken cancellationToken)
        {
            while (_input.Count == 0 && !_isInputEnded)
            {
                _typed = new TaskCompletionSource();
                using (cancellationToken.Register(static state => ((TaskCompletionSource)state!).TrySetCanceled(), _typed))
                    await _typed.Task.ConfigureAwait(false);
            }

            int count = 0;
            while (count < buffer.Length && _input.TryDequeue(out byte one))
                buffer.Span[count++] = one;
            return count;
        }

        private void Keep(ExecChannel channel, ReadOnlyMemory<byte> bytes)
        {
            if (_unread + bytes.Length > MaxUnreadBytes)
            {
                // A real program would wait for its reader; one that waits for ever is ended.
                _output.Enqueue((ExecChannel.StandardError, Encoding.UTF8.GetBytes($"Killed: {MaxUnreadBytes >> 20} MiB of its output were not read\n")));
                throw new GuestKilledException("Broken pipe");
            }

            _output.Enqueue((channel, bytes.ToArray()));
            _unread += bytes.Length;
            _arrived?.TrySetResult();
        }

        private (ExecRead? Read, Task? Arrived) Take(Memory<byte> buffer, bool isWithin)
        {
            if (_output.TryPeek(out var next))
            {
                int count = Math.Min(buffer.Length, next.Bytes.Length);
                // What is not read long enough ends the program: reading, too, is a part of what happens.
                Note("read", () => count.ToString(CultureInfo.InvariantCulture));
                next.Bytes[..count].CopyTo(buffer);
                _unread -= count;
                _output.Dequeue();
                if (count < next.Bytes.Length)
                    PutBack(next.Channel, next.Bytes[count..]);
                return (new ExecRead(next.Channel, count), null);
            }

            if (_hasEnded)
                return (new ExecRead(ExecChannel.End, 0), null);
            _arrived = new TaskCompletionSource(isWithin ? TaskCreationOptions.None : TaskCreationOptions.RunContinuationsAsynchronously);
            return (null, _arrived.Task);
        }

        private void PutBack(ExecChannel channel, ReadOnlyMemory<byte> rest)
        {
            var others = _output.ToArray();
            _output.Clear();
            _output.Enqueue((channel, rest));
            foreach (var other in others)
                _output.Enqueue(other);
        }
    }
}
