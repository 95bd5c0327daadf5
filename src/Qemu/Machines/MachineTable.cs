using System.Collections.Concurrent;
using System.Runtime.Versioning;
using Hypervisor.Sdk.Drivers;
using Hypervisor.Sdk.Qemu.Consoles;
using Hypervisor.Sdk.Qemu.Processes;
using Hypervisor.Sdk.Qemu.Qapi;
using Hypervisor.Sdk.Qemu.Qmp;
using Hypervisor.Sdk.Qemu.State;

namespace Hypervisor.Sdk.Qemu.Machines;

/// <summary>The machines of the state directory: finds, watches and settles them. One that another process made is there as soon as somebody looks.</summary>
[SupportedOSPlatform("linux")]
internal sealed partial class MachineTable(QemuServices services) : IAsyncDisposable
{
    private static readonly TimeSpan s_firstLockWait = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan s_longestLockWait = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan s_trimInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_settleWait = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<string, Machine> _machines = [];
    private readonly ConcurrentDictionary<Supervision, bool> _watched = [];
    private readonly CancellationTokenSource _closing = new();
    private StateListener? _listener;
    private Task _trimming = Task.CompletedTask;
    private volatile bool _isClosed;

    /// <summary>Tells who watches.</summary>
    public MachineNews News { get; } = new(services.Events, services.State);

    /// <summary>Settles what is left of a machine, unless somebody holds it.</summary>
    public Func<string, CancellationToken, Task<bool>>? Recover { get; set; }

    /// <summary>Has what is left of interrupted moves settled with the hosts at their other ends, in the background.</summary>
    public Action? Unsettled { get; set; }

    /// <summary>The machine of an id, whether or not there is one.</summary>
    public Machine Get(string id) => _machines.GetOrAdd(id, static (key, table) => table.Make(key), this);

    /// <summary>The ids of the machines that there are.</summary>
    public IReadOnlyList<string> Ids() => services.State.List("vms");

    /// <summary>A machine as it is now; null when there is none.</summary>
    public async Task<Instance?> FindAsync(string id, CancellationToken cancellationToken)
    {
        if (!MachineIds.IsValid(id))
            return null;
        var machine = Get(id);
        if ((machine.IsUnsettled || machine.ReadConfig() is { Incoming: not null }) && Recover is { } recover)
            await recover(id, cancellationToken).ConfigureAwait(false);
        if (machine.ReadConfig() is not { } config)
        {
            if (machine.Gate.CurrentCount > 0)
                _machines.TryRemove(id, out _);
            return null;
        }

        // It is still where it comes from.
        if (config.Incoming is not null)
            return null;
        var status = await GetStatusAsync(machine, config, cancellationToken).ConfigureAwait(false);
        return InstanceView.Of(services, config, status);
    }

    /// <summary>The power state of a machine. Takes the watch on when nobody has it, and settles a process that ended unseen.</summary>
    public async Task<MachineStatus> GetStatusAsync(Machine machine, MachineConfig config, CancellationToken cancellationToken)
    {
        if (machine.Supervision is { } watched)
            return watched.Status;
        var record = services.State.ReadProcess(machine.Id);
        if (record is null)
            return new MachineStatus(PowerState.Stopped);
        if (record.CrashReason is not null)
            return new MachineStatus(PowerState.Crashed, record.CrashReason, record);

        // A change is under way in this process: it will say how it ended.
        if (!await machine.Gate.WaitAsync(TimeSpan.Zero, cancellationToken).ConfigureAwait(false))
            return LookFromOutside(machine, record);
        try
        {
            if (machine.Supervision is { } begun)
                return begun.Status;
            if (Machine.Hold(record) is { } process)
                return await AdoptAsync(machine, config, record, process, cancellationToken).ConfigureAwait(false);
            using var file = services.State.TryLock(machine.Id);
            return file is null ? LookFromOutside(machine, record) : SettleUnseen(machine, heedsWatch: true);
        }
        finally
        {
            machine.Gate.Release();
        }
    }

    /// <summary>Takes the right to change a machine.</summary>
    /// <exception cref="HypervisorException">Somebody else has it for longer than the caller can wait (<see cref="ErrorCode.Locked"/>).</exception>
    public async Task<MachineHold> HoldAsync(string id, TimeSpan patience, CancellationToken cancellationToken)
    {
        var machine = Get(id);
        long begin = services.Time.GetTimestamp();
        if (!await machine.Gate.WaitAsync(patience, cancellationToken).ConfigureAwait(false))
            throw Locked(id, patience);
        try
        {
            var pause = s_firstLockWait;
            while (true)
            {
                if (services.State.TryLock(id) is { } file)
                    return new MachineHold(machine, file);
                if (services.Time.GetElapsedTime(begin) + pause > patience)
                    throw Locked(id, patience);
                await Task.Delay(pause, services.Time, cancellationToken).ConfigureAwait(false);
                pause = pause * 2 < s_longestLockWait ? pause * 2 : s_longestLockWait;
            }
        }
        catch
        {
            machine.Gate.Release();
            throw;
        }
    }

    /// <summary>Begins to watch a machine's process, under the machine's lock.</summary>
    public async Task SuperviseAsync(Machine machine, MachineConfig config, ProcessRecord record, LiveProcess process, CancellationToken cancellationToken)
    {
        var begun = await Supervision.TryBeginAsync(
            services, machine, config, record, process, (next, state, reason) => Observe(machine, next, state, reason), ended => EndAsync(machine, ended), cancellationToken).ConfigureAwait(false);
        machine.Supervision = begun;
        if (begun is not null)
            _watched[begun] = true;
    }

    /// <summary>Removes what is left of a process that has ended, under the machine's lock.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="crash">Why it ended, when it should not have; null forgets the process.</param>
    public void Settle(Machine machine, string? crash = null)
    {
        services.Runtime.Remove(machine.Id);
        if (crash is not null && services.State.ReadProcess(machine.Id) is { } record)
            services.State.WriteProcess(machine.Id, record with { CrashReason = crash });
        else
            services.State.Root.Delete(StateDirectory.ProcessFile(machine.Id));
        services.Limits.Remove(machine.Id);
        machine.Ended?.ReleaseWatch();
    }

    /// <summary>Settles a process that is no longer there, under the machine's lock: as its watch saw it end, or else as one that ended unseen.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="heedsWatch">Whether another process that watched it and has still to tell is left to do so.</param>
    public MachineStatus SettleUnseen(Machine machine, bool heedsWatch)
    {
        var record = services.State.ReadProcess(machine.Id);
        if (record is null)
            return new MachineStatus(PowerState.Stopped);
        if (record.CrashReason is not null)
            return new MachineStatus(PowerState.Crashed, record.CrashReason, record);
        using var process = Machine.Hold(record);
        if (process is not null)
            return new MachineStatus(PowerState.Running, null, record);
        if (machine.Ended is { } ended && ended.Record == record && ended.TryClaimEnd())
        {
            string? crash = CrashOf(machine, ended);
            Settle(machine, crash);
            TellEnd(machine, ended, crash);
            return crash is null ? new MachineStatus(PowerState.Stopped, ended.ShutdownReason?.Text) : new MachineStatus(PowerState.Crashed, crash, services.State.ReadProcess(machine.Id));
        }

        if (heedsWatch && services.State.LookAtWatch(machine.Id).IsWatched)
            return new MachineStatus(PowerState.Stopping, null, record) { IsGuess = true };
        Settle(machine);
        string reason = record.BootId == ProcessIdentity.CurrentBootId ? "It was switched off while nobody watched." : "The host was restarted.";
        News.Power(machine.Id, PowerState.Stopped, reason);
        return new MachineStatus(PowerState.Stopped, reason);
    }

    /// <summary>The end of what QEMU has printed.</summary>
    public string ReadLogTail(string id) => ReadTail(StateDirectory.QemuLog(id));

    /// <summary>The last words of a machine's TPM; empty where it has none.</summary>
    public string ReadTpmLogTail(string id) => services.State.Root.Find(StateDirectory.TpmLog(id)) is null ? "" : ReadTail(StateDirectory.TpmLog(id));

    public async ValueTask DisposeAsync()
    {
        _isClosed = true;
        if (_listener is not null)
            await _listener.DisposeAsync().ConfigureAwait(false);
        await _closing.CancelAsync().ConfigureAwait(false);
        await _trimming.ConfigureAwait(false);
        // Those too that have ended: who tells of an end holds the machine's lock, and nothing of this backend may hold one when it is gone.
        foreach (var supervision in _watched.Keys)
            await supervision.DisposeAsync().ConfigureAwait(false);
        _closing.Dispose();
    }

    private string ReadTail(string path)
    {
        const int TailBytes = 2048;
        using var file = services.State.Root.OpenFile(path);
        long length = RandomAccess.GetLength(file);
        byte[] tail = new byte[Math.Min(length, TailBytes)];
        int read = RandomAccess.Read(file, tail, length - tail.Length);
        return System.Text.Encoding.UTF8.GetString(tail, 0, read).Trim();
    }

    /// <summary>Takes what is there now for known, and listens to what others do from here on.</summary>
    public async Task BeginAsync(CancellationToken cancellationToken)
    {
        _listener = new StateListener(services, this);
        _trimming = Task.Run(TrimLogsAsync, CancellationToken.None);
        foreach (string id in Ids().Where(MachineIds.IsValid))
        {
            var machine = Get(id);
            await FindAsync(id, cancellationToken).ConfigureAwait(false);
            if (machine.ReadConfig() is { Incoming: null } config)
                News.Know(config, (await GetStatusAsync(machine, config, cancellationToken).ConfigureAwait(false)).State);
        }
    }

    /// <summary>Looks at a machine that somebody has changed, and says what is new.</summary>
    /// <returns>False when it is being changed or looked at, so that nothing certain can be seen: it is to be looked at again.</returns>
    public async Task<bool> TryLookAgainAsync(string id, CancellationToken cancellationToken)
    {
        var machine = Get(id);
        // A change of this process says itself what it does; somebody who only looks says nothing.
        if (machine.Gate.CurrentCount == 0)
            return false;
        // One of another process is heard of again when it has ended: what can be seen in its middle is no state of the machine.
        if (machine.Supervision is null && MachineLock.IsHeldByTheLiving(services.State.Root, id))
            return false;
        // What was given back by the target of a move goes on at once, and not when somebody looks.
        if (machine.IsUnsettled && Recover is { } recover && !Migration.MigrationDecision.IsGivenAway(services.State.Root, id))
            await recover(id, cancellationToken).ConfigureAwait(false);
        if (machine.ReadConfig() is not { Incoming: null } config)
        {
            News.Found(id, null, null);
            return true;
        }

        if (machine.Supervision is not null)
        {
            News.Found(id, config, null);
            return true;
        }

        if (services.State.ReadProcess(id) is { CrashReason: null } && services.State.LookAtWatch(id) is (true, var known))
        {
            News.Found(id, config, known);
            // One without a word is being taken or given up.
            return known is not null;
        }

        var status = await GetStatusAsync(machine, config, cancellationToken).ConfigureAwait(false);
        News.Found(id, config, status.IsGuess || status.State == PowerState.Unknown ? null : status.State, status.Reason);
        return !status.IsGuess;
    }

    private MachineStatus LookFromOutside(Machine machine, ProcessRecord record)
    {
        using var process = Machine.Hold(record);
        if (process is null)
            return new MachineStatus(PowerState.Stopping, null, record) { IsGuess = true };
        return services.State.LookAtWatch(machine.Id).State is { } known
            ? new MachineStatus(known, null, record)
            : new MachineStatus(PowerState.Running, "Another call or process is changing or watching it.", record) { IsGuess = true };
    }

    private Machine Make(string id) => new(services, id, changed => _listener?.Hear(changed));

    private async Task<MachineStatus> AdoptAsync(Machine machine, MachineConfig config, ProcessRecord record, LiveProcess process, CancellationToken cancellationToken)
    {
        try
        {
            await SuperviseAsync(machine, config, record, process, cancellationToken).ConfigureAwait(false);
        }
        catch (HypervisorException error)
        {
            process.Dispose();
            return new MachineStatus(PowerState.Unknown, $"QEMU (process {record.Pid}) does not answer: {error.Message}", record);
        }

        if (machine.Supervision is { } supervision)
            return supervision.Status;
        process.Dispose();
        return await AskBesideAsync(machine, config, record, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Another process watches: the monitor for changes answers when nobody changes anything.</summary>
    private async Task<MachineStatus> AskBesideAsync(Machine machine, MachineConfig config, ProcessRecord record, CancellationToken cancellationToken)
    {
        using var file = services.State.TryLock(machine.Id);
        if (file is null)
            return LookFromOutside(machine, record);
        try
        {
            var client = await machine.ConnectChangesAsync(config.Uuid, services.Options.StartTimeout, cancellationToken).ConfigureAwait(false);
            await using (client.ConfigureAwait(false))
            {
                var status = await client.GetRunStatusAsync(cancellationToken).ConfigureAwait(false);
                return new MachineStatus(Machine.StateOf(status.Status, status.IsRunning), Machine.ReasonOf(status.Status), record);
            }
        }
        catch (BackendConnectionException)
        {
            return LookFromOutside(machine, record);
        }
    }

    private void Observe(Machine machine, QmpEvent? next, PowerState state, string? reason)
    {
        switch (next)
        {
            case null or StopEvent or ResumeEvent or SuspendEvent or WakeupEvent:
            case GuestPanickedEvent:
                News.Power(machine.Id, state, reason);
                break;
            case ShutdownEvent shutdown:
                News.Power(machine.Id, state, shutdown.Reason.Text);
                break;
            default:
                services.Events.Publish((at, position) => new OtherEvent { At = next.Timestamp ?? at, Position = position, NativeType = next.EventName.Text, Id = machine.InstanceId });
                break;
        }
    }

    /// <summary>Keeps the console logs of the machines that this backend watches to their limit.</summary>
    private async Task TrimLogsAsync()
    {
        using var timer = new PeriodicTimer(s_trimInterval, services.Time);
        try
        {
            while (await timer.WaitForNextTickAsync(_closing.Token).ConfigureAwait(false))
            {
                foreach (var watched in _machines.Values.Where(machine => machine.Supervision is not null))
                {
                    try
                    {
                        ConsoleLog.Trim(services.State, watched.Id, services.Options.ConsoleLogLimit);
                    }
                    catch (HypervisorException)
                    {
                        // The machine was deleted in this moment, or the disk is full or read only: it is looked at again.
                    }
                }
            }
        }
        catch (OperationCanceledException) when (_isClosed)
        {
            // The backend is disposed.
        }
    }

    /// <summary>Tells of the end of a process; the backend is not gone before that is done.</summary>
    private async Task EndAsync(Machine machine, Supervision ended)
    {
        try
        {
            await OnEndedAsync(machine, ended).ConfigureAwait(false);
        }
        finally
        {
            _watched.TryRemove(ended, out _);
        }
    }

    private async Task OnEndedAsync(Machine machine, Supervision ended)
    {
        if (_isClosed)
            return;
        string? crash = CrashOf(machine, ended);
        try
        {
            using var hold = await HoldAsync(machine.Id, s_settleWait, _closing.Token).ConfigureAwait(false);
            if (!ended.TryClaimEnd())
                return;
            var record = services.State.ReadProcess(machine.Id);
            // When the holder of the lock ended it, the record is gone by the time that it lets go.
            if (record != ended.Record)
                crash = null;
            else
                Settle(machine, crash);
            ended.ReleaseWatch();
        }
        catch (OperationCanceledException) when (_isClosed)
        {
            // Nobody listens any more, and the state on disk is settled at the next look.
            return;
        }
        catch (HypervisorException error)
        {
            // The state on disk is settled at the next look; the event must not wait for it.
            crash ??= error.Code == ErrorCode.NotFound ? null : error.Message;
        }

        TellEnd(machine, ended, crash);
    }

    /// <summary>Why a process ended that should not have. QEMU says why it ends before it does; when it did not, something else ended it.</summary>
    private string? CrashOf(Machine machine, Supervision ended) => ended.ShutdownReason is null || ended.ShutdownReason == ShutdownCause.HostError
        ? $"QEMU (process {ended.Record.Pid}) {ended.Exit?.ToString() ?? "ended"} unasked. {ReadLogTail(machine.Id)}".Trim()
        : ended.ShutdownReason == ShutdownCause.GuestPanic ? Machine.Panicked : null;

    private void TellEnd(Machine machine, Supervision ended, string? crash) =>
        News.Power(machine.Id, crash is null ? PowerState.Stopped : PowerState.Crashed, crash ?? ended.ShutdownReason?.Text);

    private static HypervisorException Locked(string id, TimeSpan patience) =>
        new($"The machine '{id}' is being changed by somebody else; it was not free within {patience.TotalSeconds:0.#} s.", ErrorCode.Locked, RequestOutcome.NotSent) { Resource = $"instance {id}" };
}
