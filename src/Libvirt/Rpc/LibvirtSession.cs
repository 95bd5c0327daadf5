using System.IO.Pipelines;
using Hypervisor.Sdk.Libvirt.Protocol;
using Hypervisor.Sdk.Transport;
using Hypervisor.Sdk.Transport.Calls;

namespace Hypervisor.Sdk.Libvirt.Rpc;

/// <summary>
/// One connection to one daemon: a loop that reads, a writer under a lock whose flushes take along what others wrote meanwhile, the calls under way and those that wait for their turn,
/// the streams, the subscriptions.
/// </summary>
internal sealed partial class LibvirtSession : IAsyncDisposable
{
    private readonly Connection _connection;
    private readonly PipeReader _input;
    private readonly PipeWriter _output;
    private readonly LibvirtOptions _options;
    private readonly TimeProvider _time;
    private readonly ITimer _sweep;
    private readonly ITimer _keepAlive;
    private readonly ReplyDelivery _replies;

    // Guards the calls, the streams, the writer and the close reason.
    private readonly Lock _gate = new();
    private readonly Dictionary<uint, LibvirtPendingCall> _pending = [];
    private readonly Queue<LibvirtPendingCall> _waiting = new();
    private readonly Dictionary<uint, LibvirtStream> _streams = [];
    private HypervisorException? _closeReason;
    private uint _serial;
    private long _sweepDue = long.MaxValue;
    private Task _reading = Task.CompletedTask;

    public LibvirtSession(Connection connection, LibvirtOptions options)
    {
        _connection = connection;
        _input = connection.Input;
        _output = connection.Output;
        _options = options;
        _time = options.TimeProvider;
        _replies = new ReplyDelivery(this);
        _sweep = _time.CreateTimer(static state => ((LibvirtSession)state!).Sweep(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _keepAlive = _time.CreateTimer(static state => ((LibvirtSession)state!).KeepAlive(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public string Endpoint => _connection.Endpoint;

    public LibvirtOptions Options => _options;

    public HypervisorException? CloseReason => Volatile.Read(ref _closeReason);

    /// <summary>Completes when the session has ended and every call that was in flight has got its error.</summary>
    public Task Completion => _reading;

    /// <summary>Begins to read. Once.</summary>
    public void Start() => _reading = ReadLoopAsync();

    public async ValueTask DisposeAsync()
    {
        Close(LibvirtErrors.Closed(Endpoint, "the client was disposed"));
        await _connection.DisposeAsync().ConfigureAwait(false);
        await _reading.ConfigureAwait(false);
        await _sweep.DisposeAsync().ConfigureAwait(false);
        await _keepAlive.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>Ends a call while the session holds it; the maker of the exception is told whether it had been sent.</summary>
    public void EndEarly(LibvirtPendingCall call, Func<bool, Exception> error)
    {
        // Under the lock a waiting call does not leave meanwhile. The caller runs on another thread.
        lock (_gate)
            call.EndEarly(error(call.IsSent));
    }

    /// <summary>Ends the session: the first reason stays, every call, stream and subscription ends with it.</summary>
    public void Close(HypervisorException reason)
    {
        LibvirtPendingCall[] calls;
        LibvirtPendingCall[] waiting;
        LibvirtStream[] streams;
        lock (_gate)
        {
            if (_closeReason is not null)
                return;
            Volatile.Write(ref _closeReason, reason);
            calls = [.. _pending.Values];
            waiting = [.. _waiting];
            streams = [.. _streams.Values];
            _pending.Clear();
            _waiting.Clear();
            _streams.Clear();
        }

        _connection.Abort(reason);
        foreach (var call in calls)
        {
            call.EndEarly(reason);
            call.Release();
        }

        foreach (var call in waiting)
        {
            call.EndEarly(LibvirtErrors.NotSent(reason, call.Procedure.Name));
            call.Release();
        }

        foreach (var stream in streams)
            stream.End(reason);
        EndSubscriptions(reason);
    }

    /// <summary>Ends the calls whose time is over, and looks again when the next one may be due.</summary>
    private void Sweep()
    {
        long now = _time.GetTimestamp();
        long next = long.MaxValue;
        lock (_gate)
        {
            foreach (var call in _pending.Values.Concat(_waiting))
            {
                if (call.IsSettled)
                    continue;
                // Under the lock: outside of it the call could be somebody else's already.
                if (call.Deadline <= now)
                    call.EndEarly(LibvirtErrors.TimedOut(call.Procedure.Name, call.Timeout, Endpoint, call.IsSent));
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
