using System.Collections.Concurrent;
using System.Runtime.Versioning;
using Hypervisor.Sdk.Drivers;
using Hypervisor.Sdk.Qemu.Processes;
using Hypervisor.Sdk.Qemu.Qapi;
using Hypervisor.Sdk.Qemu.Qmp;
using Hypervisor.Sdk.Qemu.State;

namespace Hypervisor.Sdk.Qemu.Machines;

/// <summary>The machines of the state directory: finds, watches and settles them. One that another process made is there as soon as somebody looks.</summary>
[SupportedOSPlatform("linux")]
internal sealed partial class MachineTable(QemuServices services) : IAsyncDisposable
{
    private const string BeingChanged = "Another call or process is changing or watching it.";
    private static readonly TimeSpan s_firstLockWait = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan s_longestLockWait = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan s_settleWait = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<string, Machine> _machines = [];
    private volatile bool _isClosed;

    /// <summary>The machine of an id, whether or not there is one.</summary>
    public Machine Get(string id) => _machines.GetOrAdd(id, static (key, services) => new Machine(services, key), services);

    /// <summary>The ids of the machines that there are.</summary>
    public IReadOnlyList<string> Ids() => services.State.List("vms");

    /// <summary>A machine as it is now; null when there is none.</summary>
    public async Task<Instance?> FindAsync(string id, CancellationToken cancellationToken)
    {
        if (!MachineIds.IsValid(id))
            return null;
        var machine = Get(id);
        if (machine.ReadConfig() is not { } config)
        {
            if (machine.Gate.CurrentCount > 0)
                _machines.TryRemove(id, out _);
            return null;
        }

        var status = await GetStatusAsync(machine, config, cancellationToken).ConfigureAwait(false);
        return InstanceView.Of(services, config, status);
    }

    /// <summary>The power state of a machine. Takes the watch on when nobody has it, and settles a process that ended unseen.</summary>
    public async Task<MachineStatus> GetStatusAsync(Machine machine, MachineConfig config, CancellationToken cancellationToken)
    {
        if (machine.Supervision is { } watched)
            return new MachineStatus(watched.State, null, watched.Record);
        var record = services.State.ReadProcess(machine.Id);
        if (record is null)
            return new MachineStatus(PowerState.Stopped);
        if (record.CrashReason is not null)
            return new MachineStatus(PowerState.Crashed, record.CrashReason, record);

        // A change is under way in this process: it will say how it ended.
        if (!await machine.Gate.WaitAsync(TimeSpan.Zero, cancellationToken).ConfigureAwait(false))
            return LookFromOutside(record);
        try
        {
            if (machine.Supervision is null && Machine.Hold(record) is { } process)
                return await AdoptAsync(machine, config, record, process, cancellationToken).ConfigureAwait(false);
            using var file = services.State.TryLock(machine.Id);
            return file is null ? LookFromOutside(record) : SettleUnseen(machine);
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
    public async Task SuperviseAsync(Machine machine, MachineConfig config, ProcessRecord record, LiveProcess process, CancellationToken cancellationToken) =>
        machine.Supervision = await Supervision.TryBeginAsync(services, machine, config, record, process, (next, before) => Observe(machine, next, before), ended => OnEndedAsync(machine, ended), cancellationToken).ConfigureAwait(false);

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
    }

    /// <summary>The end of what QEMU has printed.</summary>
    public string ReadLogTail(string id)
    {
        const int TailBytes = 2048;
        using var file = services.State.Root.OpenFile(StateDirectory.QemuLog(id));
        long length = RandomAccess.GetLength(file);
        byte[] tail = new byte[Math.Min(length, TailBytes)];
        int read = RandomAccess.Read(file, tail, length - tail.Length);
        return System.Text.Encoding.UTF8.GetString(tail, 0, read).Trim();
    }

    public async ValueTask DisposeAsync()
    {
        _isClosed = true;
        foreach (var machine in _machines.Values)
        {
            if (machine.Supervision is { } supervision)
                await supervision.DisposeAsync().ConfigureAwait(false);
        }
    }

    private static MachineStatus LookFromOutside(ProcessRecord record)
    {
        using var process = Machine.Hold(record);
        return process is null ? new MachineStatus(PowerState.Stopping, null, record) : new MachineStatus(PowerState.Running, BeingChanged, record);
    }

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
            return new MachineStatus(supervision.State, null, record);
        process.Dispose();
        return await AskBesideAsync(machine, config, record, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Another process watches: the monitor for changes answers when nobody changes anything.</summary>
    private async Task<MachineStatus> AskBesideAsync(Machine machine, MachineConfig config, ProcessRecord record, CancellationToken cancellationToken)
    {
        using var file = services.State.TryLock(machine.Id);
        if (file is null)
            return LookFromOutside(record);
        try
        {
            var client = await machine.ConnectChangesAsync(config.Uuid, services.Options.StartTimeout, cancellationToken).ConfigureAwait(false);
            await using (client.ConfigureAwait(false))
            {
                var status = await client.GetRunStatusAsync(cancellationToken).ConfigureAwait(false);
                return new MachineStatus(Machine.StateOf(status.Status, status.IsRunning), null, record);
            }
        }
        catch (BackendConnectionException)
        {
            return LookFromOutside(record);
        }
    }

    private MachineStatus SettleUnseen(Machine machine)
    {
        var record = services.State.ReadProcess(machine.Id);
        if (record is null)
            return new MachineStatus(PowerState.Stopped);
        using var process = Machine.Hold(record);
        if (process is not null)
            return new MachineStatus(PowerState.Running, null, record);
        Settle(machine);
        return new MachineStatus(PowerState.Stopped, record.BootId == ProcessIdentity.CurrentBootId ? "It was switched off while nobody watched." : "The host was restarted.");
    }

    private void Observe(Machine machine, QmpEvent next, PowerState before)
    {
        switch (next)
        {
            case StopEvent:
                PublishState(machine, before, PowerState.Paused, null);
                break;
            case ResumeEvent:
                PublishState(machine, before, PowerState.Running, null);
                break;
            case SuspendEvent:
                PublishState(machine, before, PowerState.Suspended, null);
                break;
            case GuestPanickedEvent:
                PublishState(machine, before, PowerState.Crashed, "The guest's kernel panicked.");
                break;
            case ShutdownEvent shutdown:
                PublishState(machine, before, PowerState.Stopping, shutdown.Reason.Text);
                break;
            default:
                services.Events.Publish((at, position) => new OtherEvent { At = next.Timestamp ?? at, Position = position, NativeType = next.EventName.Text, Id = machine.InstanceId });
                break;
        }
    }

    /// <summary>Whether this process is told of a machine's power state as it changes, or cannot be told it just now.</summary>
    public bool HearsStateOf(Instance instance) => Get(instance.Id.ToString()).Supervision is not null || instance.StateReason == BeingChanged;

    public void PublishState(Machine machine, PowerState? from, PowerState to, string? reason) =>
        services.Events.PublishState(machine.InstanceId, from, to, reason);

    private async Task OnEndedAsync(Machine machine, Supervision ended)
    {
        if (_isClosed)
            return;
        // QEMU says why it ends before it does. When it did not, something else ended it; when the holder of the lock did, the record is gone by the time that it lets go.
        string? crash = ended.ShutdownReason is null || ended.ShutdownReason == ShutdownCause.HostError
            ? $"QEMU (process {ended.Record.Pid}) {ended.Exit?.ToString() ?? "ended"} unasked. {ReadLogTail(machine.Id)}".Trim()
            : null;
        try
        {
            using var hold = await HoldAsync(machine.Id, s_settleWait, CancellationToken.None).ConfigureAwait(false);
            if (!ended.TryClaimEnd())
                return;
            var record = services.State.ReadProcess(machine.Id);
            if (record != ended.Record)
                crash = null;
            else
                Settle(machine, crash);
        }
        catch (HypervisorException error)
        {
            // The state on disk is settled at the next look; the event must not wait for it.
            crash ??= error.Code == ErrorCode.NotFound ? null : error.Message;
        }

        PublishState(machine, ended.State == PowerState.Stopping ? PowerState.Stopping : PowerState.Running, crash is null ? PowerState.Stopped : PowerState.Crashed, crash ?? ended.ShutdownReason?.Text);
    }

    private static HypervisorException Locked(string id, TimeSpan patience) =>
        new($"The machine '{id}' is being changed by somebody else; it was not free within {patience.TotalSeconds:0.#} s.", ErrorCode.Locked, RequestOutcome.NotSent) { Resource = $"instance {id}" };
}
