using System.Runtime.Versioning;
using Hypervisor.Sdk.Qemu.Processes;
using Hypervisor.Sdk.Qemu.Qapi;
using Hypervisor.Sdk.Qemu.Qmp;
using Hypervisor.Sdk.Qemu.State;

namespace Hypervisor.Sdk.Qemu.Machines;

/// <summary>
/// Watches a running QEMU by its second monitor and its process: what reads, never waits behind what changes. One process does so for a machine, whoever takes <c>locks/ID.watch</c> first; when that one ends, another takes
/// over at its next look.
/// </summary>
[SupportedOSPlatform("linux")]
internal sealed class Supervision : IAsyncDisposable
{
    private const int LooksAtWatch = 5;

    /// <summary>How often the state is asked for anew while events come in between. With none left, it is what the last of them says.</summary>
    private const int LooksAtStatus = 10;

    /// <summary>How long a QEMU that has stopped may take to say why.</summary>
    private static readonly TimeSpan s_whyPatience = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan s_lookPause = TimeSpan.FromMilliseconds(5);

    private readonly MachineLock _watch;
    private readonly LiveProcess _process;
    private readonly QmpSubscription _events;
    private readonly Action<QmpEvent?, PowerState, string?> _observe;
    private readonly Func<Supervision, Task> _ended;
    private readonly CancellationTokenSource _givenUp = new();
    private readonly TaskCompletionSource _drained = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task _loop;
    private readonly Lock _lock = new();
    private TaskCompletionSource _followed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _followedEvents;
    private int _isEndClaimed;
    private int _isReleased;
    private volatile bool _isEnded;
    private volatile bool _isAbandoned;

    private Supervision(MachineLock watch, LiveProcess process, QmpClient reads, QmpSubscription events, PowerState state, string? reason, ProcessRecord record, Action<QmpEvent?, PowerState, string?> observe, Func<Supervision, Task> ended)
    {
        _watch = watch;
        _process = process;
        _events = events;
        _observe = observe;
        _ended = ended;
        Reads = reads;
        State = state;
        Reason = reason;
        Record = record;
        watch.Write(state.ToString());
        _loop = Task.Run(RunAsync);
    }

    /// <summary>The monitor for reading.</summary>
    public QmpClient Reads { get; }

    /// <summary>The process as it was noted.</summary>
    public ProcessRecord Record { get; }

    /// <summary>The state by the last event.</summary>
    public PowerState State { get; private set; }

    /// <summary>Why the guest is held or lost; null where somebody wanted that, or it runs.</summary>
    public string? Reason { get; private set; }

    /// <summary>The state with all that is known.</summary>
    public MachineStatus Status => new(State, Reason, Record);

    /// <summary>Why QEMU said that it ends; null while it has not.</summary>
    public ShutdownCause? ShutdownReason { get; private set; }

    /// <summary>How the process ended, once it has.</summary>
    public ProcessExit? Exit { get; private set; }

    /// <summary>Completes when the last event was handed on, after the end of the process or of the watch.</summary>
    public Task Drained => _drained.Task;

    /// <summary>Whether the process has ended or the watch was given up.</summary>
    public bool IsEnded => _isEnded;

    /// <summary>Begins to watch.</summary>
    /// <returns>Null when another process does already.</returns>
    /// <exception cref="HypervisorException">The monitor does not answer.</exception>
    public static async Task<Supervision?> TryBeginAsync(
        QemuServices services, Machine machine, MachineConfig config, ProcessRecord record, LiveProcess process, Action<QmpEvent?, PowerState, string?> observe, Func<Supervision, Task> ended, CancellationToken cancellationToken)
    {
        var watch = await TakeAsync(services, machine.Id, cancellationToken).ConfigureAwait(false);
        if (watch is null)
            return null;
        QmpClient? reads = null;
        try
        {
            reads = await machine.ConnectAsync(RuntimeDirectory.ReadsSocket, config.Uuid, services.Options.StartTimeout, cancellationToken).ConfigureAwait(false);
            var events = reads.Subscribe();
            var status = await reads.GetRunStatusAsync(cancellationToken).ConfigureAwait(false);
            return new Supervision(watch, process, reads, events, Machine.StateOf(status.Status, status.IsRunning), Machine.ReasonOf(status.Status), record, observe, ended);
        }
        catch
        {
            if (reads is not null)
                await reads.DisposeAsync().ConfigureAwait(false);
            watch.Dispose();
            throw;
        }
    }

    /// <summary>Asks for the state: after a command, its event may still be on the way.</summary>
    /// <param name="patience">How long the answer may take; without one, the state stays what the last event said.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async Task RefreshAsync(TimeSpan patience, CancellationToken cancellationToken)
    {
        if (_isEnded || ShutdownReason is not null)
            return;
        try
        {
            // The events before the answer are older than it and must not overwrite it; which of those that came while it was on its way are older, nobody knows: it is asked again.
            for (int looks = 0; looks < LooksAtStatus; looks++)
            {
                long before = _events.Offered;
                var status = await Reads.WithTimeout(patience).GetRunStatusAsync(cancellationToken).ConfigureAwait(false);
                long after = _events.Offered;
                await FollowedAsync(after, cancellationToken).ConfigureAwait(false);
                if (before != after)
                    continue;
                lock (_lock)
                {
                    if (_followedEvents == before && ShutdownReason is null)
                        Enter(null, Machine.StateOf(status.Status, status.IsRunning), Machine.ReasonOf(status.Status));
                }

                return;
            }
        }
        catch (BackendConnectionException)
        {
            // It is ending, and the loop hears of that too: until it has, the state is that of a QEMU which is gone.
            await Drained.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (HypervisorException error) when (error.Code == ErrorCode.Timeout)
        {
            // It hangs; what was known last is all that can be said.
        }
    }

    /// <summary>Says who tells of the end: the first to ask, which is the change that ended it or else the watch. Under the machine's lock.</summary>
    public bool TryClaimEnd() => Interlocked.Exchange(ref _isEndClaimed, 1) == 0;

    /// <summary>Lets others watch. Only once the end of the process is told and settled: until then who finds no process must not take it for one that ended unseen.</summary>
    public void ReleaseWatch()
    {
        if (Interlocked.Exchange(ref _isReleased, 1) != 0)
            return;
        _watch.Write(null);
        _watch.Dispose();
    }

    /// <summary>Gives the watch up; QEMU goes on.</summary>
    public async ValueTask DisposeAsync()
    {
        _isAbandoned = true;
        _isEnded = true;
        _events.Dispose();
        await _givenUp.CancelAsync().ConfigureAwait(false);
        await Reads.DisposeAsync().ConfigureAwait(false);
        await _loop.ConfigureAwait(false);
        _givenUp.Dispose();
    }

    private async Task RunAsync()
    {
        try
        {
            await foreach (var next in _events.ConfigureAwait(false))
            {
                TaskCompletionSource followed;
                // It does not say why it stops.
                var (state, reason) = next is StopEvent && ShutdownReason is null ? await AskWhyAsync().ConfigureAwait(false) : default;
                lock (_lock)
                {
                    var after = StateAfter(next);
                    Enter(next, state == default ? after : state, next is GuestPanickedEvent ? Machine.Panicked : reason);
                    _followedEvents++;
                    followed = _followed;
                    _followed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                }

                followed.SetResult();
            }
        }
        catch (HypervisorException)
        {
            // The end of the connection is the end of QEMU, or the queue was full: the process tells which.
        }

        if (!_isAbandoned)
        {
            if (Reads.CloseReason is not null)
                await Task.WhenAny(_process.Exited, Task.Delay(Timeout.Infinite, _givenUp.Token)).ConfigureAwait(false);
            Exit = _process.Exited.IsCompletedSuccessfully ? await _process.Exited.ConfigureAwait(false) : null;
            _isEnded = true;
        }

        await Reads.DisposeAsync().ConfigureAwait(false);
        _process.Dispose();
        _drained.SetResult();
        try
        {
            if (!_isAbandoned)
                await _ended(this).ConfigureAwait(false);
        }
        finally
        {
            ReleaseWatch();
        }
    }

    /// <summary>The state of a QEMU that has just stopped, and why; none when it goes on already or does not say.</summary>
    private async Task<(PowerState State, string? Reason)> AskWhyAsync()
    {
        try
        {
            var status = await Reads.WithTimeout(s_whyPatience).GetRunStatusAsync(_givenUp.Token).ConfigureAwait(false);
            return status.IsRunning ? default : (Machine.StateOf(status.Status, status.IsRunning), Machine.ReasonOf(status.Status));
        }
        catch (Exception error) when (error is HypervisorException or OperationCanceledException)
        {
            // It ends, hangs, or nobody watches any more.
            return default;
        }
    }

    /// <summary>Takes the right to watch; null when somebody else has it. Who only looks at it holds it for a moment and has written nothing into it.</summary>
    private static async Task<MachineLock?> TakeAsync(QemuServices services, string id, CancellationToken cancellationToken)
    {
        for (int i = 0; i < LooksAtWatch; i++)
        {
            if (services.State.TryLock(id + ".watch") is { } watch)
                return watch;
            if (services.State.LookAtWatch(id) is (true, not null))
                return null;
            await Task.Delay(s_lookPause, services.Time, cancellationToken).ConfigureAwait(false);
        }

        return null;
    }

    private async Task FollowedAsync(long events, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task followed;
            lock (_lock)
            {
                if (_followedEvents >= events || _drained.Task.IsCompleted)
                    return;
                followed = _followed.Task;
            }

            await Task.WhenAny(followed, Drained).WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private void Enter(QmpEvent? next, PowerState state, string? reason)
    {
        bool isOther = state != State;
        // What happens beside does not change why.
        if (isOther || reason is not null || next is null)
            Reason = reason;
        State = state;
        if (isOther)
            _watch.Write(state.ToString());
        if (isOther || next is not null)
            _observe(next, state, reason);
    }

    private PowerState StateAfter(QmpEvent next)
    {
        switch (next)
        {
            case StopEvent:
                // It stops too when it has shut down or its kernel has panicked.
                return ShutdownReason is null && State != PowerState.Crashed ? PowerState.Paused : State;
            case ResumeEvent or WakeupEvent:
                return PowerState.Running;
            case SuspendEvent:
                return PowerState.Suspended;
            case GuestPanickedEvent:
                return PowerState.Crashed;
            case ShutdownEvent shutdown:
                ShutdownReason = shutdown.Reason;
                return shutdown.Reason == ShutdownCause.GuestPanic ? PowerState.Crashed : PowerState.Stopping;
            default:
                return State;
        }
    }
}
