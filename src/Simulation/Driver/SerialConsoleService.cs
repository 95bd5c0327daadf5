using System.Globalization;
using System.IO.Pipelines;
using Hypervisor.Sdk.Simulation.Calls;
using Hypervisor.Sdk.Simulation.Guests;
using Hypervisor.Sdk.Simulation.Streams;
using Hypervisor.Sdk.Simulation.Worlds;

namespace Hypervisor.Sdk.Simulation.Driver;

/// <summary>The text consoles: a shell in a simulated guest. One session a console, as on a real one.</summary>
internal sealed class SerialConsoleService(SimulationClient client) : ISerialConsole
{
    private readonly World _world = client.World;

    public Task<ConsoleSession> OpenAsync(InstanceId id, ConsoleOptions? options = null, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        bool takeOver = options?.TakeOver ?? false;
        long replay = options?.ReplayTail.Bytes ?? 0;
        int port = options?.Port ?? 0;
        return _world.Calls.EnterAsync(client, "open-console", id.ToString(), () => CallText.Of(_world, null, string.Create(CultureInfo.InvariantCulture, $"port={port} takeOver={(takeOver ? 1 : 0)}")), () =>
        {
            var instance = _world.Require(id);
            if (!instance.IsUp)
                throw _world.Error(ErrorCode.InvalidState, RequestOutcome.Rejected, $"'{instance.Name}' is {instance.State} and has no console now.", instance.Text);
            if (port != 0)
                throw _world.Error(ErrorCode.NotFound, RequestOutcome.Rejected, $"A simulated guest has one console, port 0; '{port}' was asked for.", instance.Text);
            var console = _world.GuestOf(instance).Get<GuestConsole>();
            if (console.Ended is { } other)
            {
                if (!takeOver)
                    throw _world.Error(ErrorCode.Locked, RequestOutcome.Rejected, $"The console of '{instance.Name}' is open in another session; ask to take it over.", instance.Text);
                other(ErrorCode.Locked, $"The console of '{instance.Name}' was taken over by another session.");
            }

            return Task.FromResult<ConsoleSession>(new Session(_world, instance, console, replay));
        });
    }

    public Task<Stream> OpenLogAsync(InstanceId id, long? tailBytes = null, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (tailBytes < 0)
            throw new ArgumentOutOfRangeException(nameof(tailBytes), tailBytes, "A number of bytes is not negative.");
        return _world.Calls.EnterAsync(client, "console-log", id.ToString(), null, () =>
        {
            var instance = _world.Require(id);
            byte[] log = instance.Guest is null && !instance.IsUp ? [] : _world.GuestOf(instance).Get<GuestConsole>().Log;
            int count = (int)Math.Min(log.Length, tailBytes ?? log.Length);
            return Task.FromResult<Stream>(new MemoryStream(log, log.Length - count, count, writable: false));
        });
    }

    private sealed class Session : ConsoleSession, ITracedSession
    {
        private const int MaxUnreadBytes = 1 << 20;

        private readonly World _world;
        private readonly SimInstance _instance;
        private readonly GuestConsole _console;
        private readonly LoopPipeReader _input;
        private readonly LoopPipeWriter _output;
        private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly long _number;

        public Session(World world, SimInstance instance, GuestConsole console, long replayBytes)
        {
            (_world, _instance, _console) = (world, instance, console);
            _input = new LoopPipeReader(world, MaxUnreadBytes, () => console.IsBusy);
            _output = new LoopPipeWriter(world, typed =>
            {
                if (_console.Ended != End)
                    return;
                world.Sessions.Note(_number, instance.Text, "type", () => SessionLog.Text(typed.Span));
                _console.Type(typed.Span);
            });
            byte[] log = replayBytes > 0 ? console.Log : [];
            _input.Append(log.AsSpan(log.Length - (int)Math.Min(log.Length, Math.Min(replayBytes, MaxUnreadBytes))));
            console.Reader = Read;
            console.Ended = End;
            _number = world.Sessions.Add(this);
        }

        public override PipeReader Input => _input;

        public override PipeWriter Output => _output;

        public override Task Completion => _completion.Task;

        public override bool CanResize => false;

        public override ValueTask ResizeAsync(int columns, int rows, CancellationToken cancellationToken = default) =>
            throw _world.Error(ErrorCode.Unsupported, RequestOutcome.NotSent, "A serial line carries no size.", _instance.Text);

        public Task AgainAsync(string action, string text) => action switch
        {
            "type" => _output.WriteAsync(SessionLog.Bytes(text)).AsTask(),
            "end" => DisposeAsync().AsTask(),
            _ => throw new FormatException($"nothing is done to a console by '{action}'"),
        };

        public override ValueTask DisposeAsync()
        {
            _world.Loop.Post(Leave);
            return ValueTask.CompletedTask;
        }

        // Nobody reads it for long: what a line without flow control loses is lost.
        private void Read(ReadOnlyMemory<byte> bytes) => _input.Append(bytes.Span);

        private void End(ErrorCode code, string reason)
        {
            Detach();
            var error = _world.Error(code, RequestOutcome.Rejected, reason, _instance.Text);
            _input.End();
            if (_completion.TrySetException(error))
                _ = _completion.Task.Exception;
        }

        private void Leave()
        {
            if (_console.Ended == End)
                _world.Sessions.Note(_number, _instance.Text, "end");
            Detach();
            _input.End();
            _completion.TrySetResult();
        }

        private void Detach()
        {
            if (_console.Ended != End)
                return;
            _console.Ended = null;
            _console.Reader = null;
        }
    }
}
