using System.IO.Pipelines;
using System.Text.Json;
using Hypervisor.Sdk.Qemu.Qapi;
using Hypervisor.Sdk.Transport;
using Hypervisor.Sdk.Transport.Calls;

namespace Hypervisor.Sdk.Qemu.Qmp;

/// <summary>
/// One connection to one monitor: a loop that reads, a writer under a lock whose flushes take along what others wrote meanwhile, the calls in flight, the subscriptions.
/// </summary>
internal sealed partial class QmpSession : IAsyncDisposable
{
    private readonly Connection _connection;
    private readonly PipeReader _input;
    private readonly PipeWriter _output;
    private readonly QmpClientOptions _options;
    private readonly TimeProvider _time;
    private readonly ITimer _sweep;
    private readonly ReplyDelivery _replies;

    // Guards the table, the writer and the close reason.
    private readonly Lock _gate = new();
    private readonly QmpPendingTable _pending;
    private HypervisorException? _closeReason;
    private long _sweepDue = long.MaxValue;
    private bool[] _offered = [];
    private HashSet<string> _commands = [];
    private Task _reading = Task.CompletedTask;

    private QmpSession(Connection connection, QmpClientOptions options)
    {
        _connection = connection;
        _input = connection.Input;
        _output = connection.Output;
        _options = options;
        _time = options.TimeProvider;
        _pending = new QmpPendingTable(options.MaxPendingCalls);
        _replies = new ReplyDelivery(this);
        _sweep = _time.CreateTimer(static state => ((QmpSession)state!).Sweep(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public string Endpoint => _connection.Endpoint;

    public QmpClientOptions Options => _options;

    public QmpGreeting Greeting { get; private set; } = null!;

    public QmpSchema? Schema { get; set; }

    public bool OutOfBand { get; private set; }

    public IReadOnlySet<string> Commands => _commands;

    public HypervisorException? CloseReason => Volatile.Read(ref _closeReason);

    /// <summary>Completes when the session has ended and every call that was in flight has got its error.</summary>
    public Task Completion => _reading;

    /// <summary>Negotiates on a fresh connection, which belongs to the session from here on, also when this fails.</summary>
    public static async Task<QmpSession> OpenAsync(Connection connection, QmpClientOptions options, CancellationToken cancellationToken)
    {
        var session = new QmpSession(connection, options);
        try
        {
            await session.HandshakeAsync(cancellationToken).ConfigureAwait(false);
            session._reading = session.ReadLoopAsync();
            var commands = await session.CallAsync(
                QmpCommands.QueryCommands, default(NoArguments), null, static (ref Utf8JsonReader r) => r.List(static (ref Utf8JsonReader r) => new CommandInfo(ref r)), false, options.HandshakeTimeout, cancellationToken)
                .ConfigureAwait(false);
            session.Offer(commands);
            return session;
        }
        catch
        {
            await session.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Who answers, for messages: the program with its version, and where.</summary>
    public string Peer => $"QEMU {Greeting.Version} ({Endpoint})";

    /// <summary>Sends an open file with one byte. Nothing may be on its way at the same time.</summary>
    [System.Runtime.Versioning.SupportedOSPlatform("linux")]
    public void SendFile(System.Runtime.InteropServices.SafeHandle file, byte marker)
    {
        lock (_gate)
        {
            if (_closeReason is { } reason)
                throw reason;
            try
            {
                _connection.SendFile(file, marker);
            }
            catch (IOException error)
            {
                throw new BackendConnectionException($"{Endpoint} takes no open file: {error.Message}", ErrorCode.Unavailable, RequestOutcome.NotSent, error);
            }
        }
    }

    public bool Offers(QapiCommand command) => _offered.Length == 0 || (command.Index >= 0 ? _offered[command.Index] : _commands.Contains(command.Name));

    public async ValueTask DisposeAsync()
    {
        Close(QmpErrors.Closed(Endpoint, "the client was disposed"));
        await _connection.DisposeAsync().ConfigureAwait(false);
        await _reading.ConfigureAwait(false);
        await _sweep.DisposeAsync().ConfigureAwait(false);
        lock (_gate)
            _json?.Dispose();
    }

    /// <summary>Ends the session: the first reason stays, every call in flight and every subscription ends with it.</summary>
    private void Close(HypervisorException reason)
    {
        QmpPendingCall[] calls;
        lock (_gate)
        {
            if (_closeReason is not null)
                return;
            Volatile.Write(ref _closeReason, reason);
            calls = [.. _pending.All];
            foreach (var call in calls)
                _pending.Remove(call.Id);
        }

        _connection.Abort(reason);
        foreach (var call in calls)
        {
            call.EndEarly(reason);
            call.Release();
        }

        EndSubscriptions(reason);
    }

    private void Offer(IReadOnlyList<CommandInfo> commands)
    {
        _commands = commands.Select(command => command.Name).ToHashSet();
        _offered = Array.ConvertAll(QmpCommands.All, command => _commands.Contains(command.Name));
    }

    /// <summary>Ends the calls whose time is over, and looks again when the next one may be due.</summary>
    private void Sweep()
    {
        long now = _time.GetTimestamp();
        long next = long.MaxValue;
        lock (_gate)
        {
            foreach (var call in _pending.All)
            {
                if (call.IsSettled)
                    continue;
                // Under the lock: outside of it the call could be somebody else's already. The caller runs on another thread.
                if (call.Deadline <= now)
                    call.EndEarly(QmpErrors.TimedOut(call.Command!.Name, call.Timeout, Endpoint));
                else
                    next = Math.Min(next, call.Deadline);
            }

            _sweepDue = long.MaxValue;
            ArmSweep(now, next);
        }
    }

    /// <summary>One timer for all calls. It is touched only for a deadline before the one that it waits for, which a call with the usual time-out never has. Under the lock.</summary>
    private void ArmSweep(long now, long deadline)
    {
        if (deadline >= _sweepDue)
            return;
        _sweepDue = deadline;
        // A timer may fire a little early; a later look costs nothing.
        _sweep.Change(_time.GetElapsedTime(now, deadline) + TimeSpan.FromMilliseconds(1), Timeout.InfiniteTimeSpan);
    }
}

/// <summary>The state of a call without arguments.</summary>
internal readonly struct NoArguments;
