using System.Runtime.Versioning;
using Hypervisor.Sdk.Drivers;
using Hypervisor.Sdk.DiskImages;
using Hypervisor.Sdk.Qemu.Driver;
using Hypervisor.Sdk.Qemu.Processes;
using Hypervisor.Sdk.Qemu.Qmp;
using Hypervisor.Sdk.Qemu.State;

namespace Hypervisor.Sdk.Qemu.Machines;

/// <summary>A change of one machine that is under way: what work may use while it holds the machine's lock.</summary>
[SupportedOSPlatform("linux")]
internal sealed class MachineChange(QemuServices services, MachineTable table, MachineHold hold, MachineJournal journal) : IAsyncDisposable
{
    private static readonly TimeSpan s_watchPatience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_watchPause = TimeSpan.FromMilliseconds(5);

    private QmpClient? _client;

    public QemuServices Services => services;

    public MachineTable Table => table;

    public Machine Machine => hold.Machine;

    public string Id => hold.Machine.Id;

    public MachineHold Hold => hold;

    public MachineJournal Journal => journal;

    public RootedDirectory Root => services.State.Root;

    public WorkProgress Progress { get; init; } = new();

    /// <summary>The configuration; only for machines that there are.</summary>
    public MachineConfig Config => Machine.ReadConfig()
        ?? throw new HypervisorException($"There is no instance '{Id}'.", ErrorCode.NotFound, RequestOutcome.Rejected) { Resource = $"instance {Id}" };

    /// <summary>The process as it was noted; null when there is none or it has ended.</summary>
    public ProcessRecord? ReadLiveRecord()
    {
        if (services.State.ReadProcess(Id) is not { CrashReason: null } record)
            return null;
        using var process = Machine.Hold(record);
        return process is null ? null : record;
    }

    /// <summary>Writes the next configuration and says so to who watches.</summary>
    public MachineConfig Save(MachineConfig config)
    {
        var next = config with { Revision = config.Revision + 1 };
        services.State.WriteConfig(next);
        // The number of a file that was replaced is free for the one after the next.
        Machine.Forget();
        PublishChanged(next);
        return next;
    }

    /// <summary>Says that something about the machine has changed that is not its power state.</summary>
    public void PublishChanged(MachineConfig config) => table.News.Changed(config);

    /// <summary>The monitor for changes, connected when it is first asked for and closed with the change.</summary>
    /// <exception cref="HypervisorException">QEMU does not answer, or is another machine's.</exception>
    public async Task<QmpClient> MonitorAsync(CancellationToken cancellationToken) =>
        _client ??= await Machine.ConnectChangesAsync(Config.Uuid, services.Options.StartTimeout, cancellationToken).ConfigureAwait(false);

    /// <summary>The power state now.</summary>
    public async Task<MachineStatus> GetStatusAsync(CancellationToken cancellationToken)
    {
        if (Machine.Supervision is { } watched)
            await watched.RefreshAsync(services.Options.StartTimeout, cancellationToken).ConfigureAwait(false);
        if (Machine.Supervision is { } live)
            return live.Status;
        var record = services.State.ReadProcess(Id);
        if (record is null)
            return new MachineStatus(PowerState.Stopped);
        if (record.CrashReason is not null)
            return new MachineStatus(PowerState.Crashed, record.CrashReason, record);
        var process = Machine.Hold(record);
        if (process is null)
            return table.SettleUnseen(Machine, heedsWatch: false);

        try
        {
            await table.SuperviseAsync(Machine, Config, record, process, cancellationToken).ConfigureAwait(false);
            if (Machine.Supervision is { } supervision)
                return supervision.Status;
            process.Dispose();
            var monitor = await MonitorAsync(cancellationToken).ConfigureAwait(false);
            var status = await monitor.GetRunStatusAsync(cancellationToken).ConfigureAwait(false);
            return new MachineStatus(Machine.StateOf(status.Status, status.IsRunning), Machine.ReasonOf(status.Status), record);
        }
        catch (HypervisorException error)
        {
            process.Dispose();
            return new MachineStatus(PowerState.Unknown, $"QEMU (process {record.Pid}) does not answer: {error.Message}", record);
        }
    }

    /// <summary>Waits until the watch knows what the work did to a QEMU that runs: its answer may come before the event, and who asks after the operation sees what it has done.</summary>
    public async Task CatchUpAsync()
    {
        if (_client is null)
            return;
        if (Machine.Supervision is { } watched)
            await watched.RefreshAsync(services.Options.StartTimeout, CancellationToken.None).ConfigureAwait(false);
        else
            await CatchUpElsewhereAsync(_client).ConfigureAwait(false);
    }

    /// <summary>Another process watches: its word is what everybody reads. One that hangs is not waited for.</summary>
    private async Task CatchUpElsewhereAsync(QmpClient client)
    {
        long begin = services.Time.GetTimestamp();
        try
        {
            while (services.Time.GetElapsedTime(begin) < s_watchPatience)
            {
                var status = await client.GetRunStatusAsync(CancellationToken.None).ConfigureAwait(false);
                if (services.State.LookAtWatch(Id) is not (true, { } known) || known == Machine.StateOf(status.Status, status.IsRunning))
                    return;
                await Task.Delay(s_watchPause, services.Time).ConfigureAwait(false);
            }
        }
        catch (HypervisorException)
        {
            // It has ended: there is nothing to catch up with, and the watch tells of it.
        }
    }

    /// <summary>After the process has ended as it should: removes what is left of it, and says so to who watches once its last event was said.</summary>
    public async Task SettleAsync(CancellationToken cancellationToken)
    {
        await CloseMonitorAsync().ConfigureAwait(false);
        bool wasUp = services.State.ReadProcess(Id) is not null;
        table.Settle(Machine);
        if (Machine.TakeSupervision() is { } watched)
        {
            await watched.Drained.WaitAsync(cancellationToken).ConfigureAwait(false);
            watched.ReleaseWatch();
            if (watched.TryClaimEnd())
                table.News.Power(Id, PowerState.Stopped, watched.ShutdownReason?.Text);
        }
        else if (wasUp)
        {
            table.News.Power(Id, PowerState.Stopped, null);
        }
    }

    /// <summary>The instance as it is now.</summary>
    public async Task<Instance> ViewAsync(CancellationToken cancellationToken) =>
        InstanceView.Of(services, Config, await GetStatusAsync(cancellationToken).ConfigureAwait(false));

    /// <summary>Closes the monitor; the next user connects anew.</summary>
    public async ValueTask CloseMonitorAsync()
    {
        if (_client is { } client)
        {
            _client = null;
            await client.DisposeAsync().ConfigureAwait(false);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await CloseMonitorAsync().ConfigureAwait(false);
        Progress.Dispose();
        hold.Dispose();
    }
}
