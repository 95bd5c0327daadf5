using System.Runtime.Versioning;
using Hypervisor.Sdk.Qemu.Guests;
using Hypervisor.Sdk.Qemu.Machines;
using Hypervisor.Sdk.Qemu.State;

namespace Hypervisor.Sdk.Qemu.Backups;

/// <summary>
/// Reads the disks of machines that run. A session is not under the machine's lock, which would keep it from being changed for hours: it holds a lock file of its own, <c>locks/ID.backup</c>. Whoever finds that file free knows that
/// the session's process has died, and removes what it left in QEMU.
/// </summary>
[SupportedOSPlatform("linux")]
internal sealed class QemuBackups(QemuServices services, MachineTable machines, MachineWork work, AgentChannel agents) : IBackupSource
{
    /// <summary>The ending of the lock file of a session.</summary>
    public const string LockEnding = ".backup";

    private const string Quiesced = "quiesced";

    public async Task<BackupSession> BeginAsync(InstanceId id, BackupOptions? options = null, CancellationToken cancellationToken = default)
    {
        options ??= new BackupOptions();
        machines.Require(id);
        cancellationToken.ThrowIfCancellationRequested();
        var held = services.State.TryLock(id + LockEnding)
            ?? throw new HypervisorException($"Another backup or an export reads the disks of '{id}'. A machine has one at a time.", ErrorCode.Locked, RequestOutcome.NotSent) { Resource = $"instance {id}" };
        return await BeginAsync(id, held, (change, token) => AcceptAsync(change, options, token), (change, token) => FreezeAsync(change, options, held, token), cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Begins what reads the disks of a machine until it is disposed, and holds the lock for that.</summary>
    public async Task<T> BeginAsync<T>(
        InstanceId id, MachineLock held, Func<MachineChange, CancellationToken, Task<string?>> accept, Func<MachineChange, CancellationToken, Task<T>> freeze, CancellationToken cancellationToken)
        where T : IAsyncDisposable
    {
        bool isBegun = false;
        try
        {
            var begin = await work.BeginAsync(
                id, WorkKinds.BeginBackup, null,
                accept,
                async (change, token) =>
                {
                    await BackupNodes.CleanAsync(change, token).ConfigureAwait(false);
                    return await freeze(change, token).ConfigureAwait(false);
                },
                (_, _) => Task.FromException<T>(new HypervisorException("A session cannot be had twice.", ErrorCode.Conflict, RequestOutcome.Rejected)), cancellationToken: cancellationToken).ConfigureAwait(false);
            // It ends within its deadline, and nothing must be left of it that nobody has.
            var session = await begin.WaitAsync(CancellationToken.None).ConfigureAwait(false);
            isBegun = true;
            if (!cancellationToken.IsCancellationRequested)
                return session;
            await session.DisposeAsync().ConfigureAwait(false);
            throw new OperationCanceledException(cancellationToken);
        }
        catch (Exception error) when (!isBegun && error is (HypervisorException or OperationCanceledException))
        {
            held.Remove();
            throw;
        }
        finally
        {
            if (!isBegun)
                held.Dispose();
        }
    }

    /// <summary>Says how what a crash interrupts is undone.</summary>
    public static void AddRecovery(MachineRecovery recovery, AgentChannel agents)
    {
        recovery.Add(WorkKinds.BeginBackup, async (change, entry, token) =>
        {
            if (entry.Intent == Quiesced && await Quiescence.ThawAsync(change, agents, entry, token).ConfigureAwait(false) is { } frozen)
                return frozen;
            await CleanAsync(change, token).ConfigureAwait(false);
            return MachineRecovery.Interrupted(entry);
        });
        recovery.Add(WorkKinds.CompleteBackup, static async (change, entry, token) =>
            change.ReadLiveRecord() is not null && entry.Intent is { } checkpoint && await BackupNodes.HasCheckpointAsync(change, checkpoint, token).ConfigureAwait(false) ? null : MachineRecovery.Interrupted(entry));
        recovery.AbandonedBackup = CleanAsync;
    }

    /// <summary>Whether a backup or an export reads the disks of a machine.</summary>
    public static bool AreRead(DiskImages.RootedDirectory root, string id) => MachineLock.Look(root, id + LockEnding).IsHeld;

    /// <summary>Refuses to change the disks below a backup that reads them.</summary>
    public static void RefuseWhileRead(MachineChange change)
    {
        if (AreRead(change.Root, change.Id))
            throw new HypervisorException($"A backup or an export reads the disks of '{change.Config.Name}'. End it first.", ErrorCode.Locked, RequestOutcome.Rejected) { Resource = $"instance {change.Id}" };
    }

    /// <summary>Keeps the moment of a session as a checkpoint.</summary>
    public async Task<string?> CompleteAsync(InstanceId id, IReadOnlyList<string> disks, bool keepsCheckpoint, CancellationToken cancellationToken)
    {
        string? checkpoint = keepsCheckpoint ? BackupNodes.NewCheckpoint(services.Time) : null;
        var operation = await work.BeginAsync(
            id, WorkKinds.CompleteBackup, null,
            async (change, token) =>
            {
                RequireUp(change, await change.GetStatusAsync(token).ConfigureAwait(false));
                return checkpoint;
            },
            async (change, token) =>
            {
                await BackupNodes.CompleteAsync(change, change.Config, disks, checkpoint, token).ConfigureAwait(false);
                return checkpoint;
            },
            (_, _) => Task.FromResult(checkpoint), cancellationToken: cancellationToken).ConfigureAwait(false);
        return await operation.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Lets the view go, and what was held for it.</summary>
    public async Task EndAsync(InstanceId id, MachineLock held)
    {
        try
        {
            await EndAsync(id).ConfigureAwait(false);
            held.Remove();
        }
        catch (HypervisorException)
        {
            // QEMU does not answer, or somebody changes the machine all the time. The file of the lock stays and says to the next who connects or begins that there is something to remove.
        }
        finally
        {
            held.Dispose();
        }
    }

    private async Task EndAsync(InstanceId id)
    {
        string machine = id.ToString();
        using var hold = await machines.HoldAsync(machine, services.Options.DefaultDeadline, CancellationToken.None).ConfigureAwait(false);
        if (hold.Machine.ReadConfig() is null)
            return;
        var change = new MachineChange(services, machines, hold, services.State.ReadJournal(machine));
        await using (change.ConfigureAwait(false))
            await CleanAsync(change, CancellationToken.None).ConfigureAwait(false);
    }

    private static async Task CleanAsync(MachineChange change, CancellationToken cancellationToken)
    {
        if (change.ReadLiveRecord() is not null)
            await BackupNodes.CleanAsync(change, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Looks whether the disks can be read.</summary>
    public static async Task<string?> AcceptAsync(MachineChange change, BackupOptions options, CancellationToken cancellationToken)
    {
        var status = await change.GetStatusAsync(cancellationToken).ConfigureAwait(false);
        RequireUp(change, status);
        if (options.Quiesce && status.State != PowerState.Running)
            throw Refused(change, ErrorCode.InvalidState, $"is {status.State}: there is no guest that could bring its file systems to rest");
        if (options.SinceCheckpoint is { } since)
            await BackupNodes.RequireAsync(change, change.Config, since, cancellationToken).ConfigureAwait(false);
        return options.Quiesce ? Quiesced : null;
    }

    private async Task<QemuBackupSession> FreezeAsync(MachineChange change, BackupOptions options, MachineLock held, CancellationToken cancellationToken)
    {
        change.Progress.Say("freezing the disks");
        var config = change.Config;
        var changed = await BackupNodes.BeginAsync(
            change, config, options.SinceCheckpoint, freeze => options.Quiesce ? Quiescence.RunAsync(change, agents, freeze, cancellationToken) : freeze(), cancellationToken).ConfigureAwait(false);
        return new QemuBackupSession(this, services, change.Machine.InstanceId, [.. BackupNodes.DisksOf(config).Select(disk => disk.Id)], changed, BackupNodes.KeepsCheckpoints(config), held);
    }

    private static void RequireUp(MachineChange change, MachineStatus status)
    {
        if (!status.IsUp)
            throw Refused(change, ErrorCode.InvalidState, $"is {status.State}: its QEMU holds the view of the disks. Start the machine; while it is off, its images can be copied as they are");
    }

    private static HypervisorException Refused(MachineChange change, ErrorCode code, string why) => new($"'{change.Config.Name}' {why}.", code, RequestOutcome.Rejected) { Resource = $"instance {change.Id}" };
}
