using System.Collections.Concurrent;
using System.Runtime.Versioning;
using Hypervisor.Sdk.Qemu.Backups;
using Hypervisor.Sdk.Qemu.Changes;
using Hypervisor.Sdk.Qemu.Migration;
using Hypervisor.Sdk.Qemu.Qapi;
using Hypervisor.Sdk.Qemu.State;

namespace Hypervisor.Sdk.Qemu.Machines;

/// <summary>
/// Finishes or undoes what a process left that died in the middle. What is open in a journal while nobody holds the machine's lock was interrupted. Runs for everything when a backend connects, and for one machine before each
/// change of it.
/// </summary>
[SupportedOSPlatform("linux")]
internal sealed class MachineRecovery(QemuServices services, MachineTable table, MigrationContacts contacts)
{
    private static readonly TimeSpan s_livingPatience = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_holderPause = TimeSpan.FromMilliseconds(10);

    private readonly ConcurrentDictionary<string, Func<MachineChange, JournalEntry, CancellationToken, Task<HypervisorException?>>> _kinds = new(StringComparer.Ordinal)
    {
        [WorkKinds.Create] = static (change, _, _) =>
        {
            ExistingVolumes.Release(change, change.Config.Disks);
            return Task.FromResult<HypervisorException?>(null);
        },
        [WorkKinds.Clone] = static (_, _, _) => Task.FromResult<HypervisorException?>(null),
        [WorkKinds.ConvertToTemplate] = static (change, entry, _) => Task.FromResult(change.Config.IsTemplate ? null : Interrupted(entry)),
        [WorkKinds.ConvertToInstance] = static (change, entry, _) => Task.FromResult(change.Config.IsTemplate ? Interrupted(entry) : null),
        [WorkKinds.Start] = RecoverStartAsync,
        [WorkKinds.Restart] = RecoverStartAsync,
        [WorkKinds.Stop] = static (change, entry, _) => Task.FromResult(change.ReadLiveRecord() is null ? null : Interrupted(entry)),
        [WorkKinds.Reset] = RecoverResetAsync,
        [WorkKinds.Migrate] = RecoverMigrationAsync,
        // Taken, and only the note of it is missing.
        [WorkKinds.Receive] = static (_, _, _) => Task.FromResult<HypervisorException?>(null),
        [WorkKinds.Pause] = static (change, entry, token) => RecoverRunStateAsync(change, entry, PowerState.Paused, token),
        [WorkKinds.Resume] = static (change, entry, token) => RecoverRunStateAsync(change, entry, PowerState.Running, token),
    };

    /// <summary>Removes what a backup has left in QEMU whose process died. Can be done again.</summary>
    public Func<MachineChange, CancellationToken, Task>? AbandonedBackup { get; set; }

    /// <summary>Says how another kind of work is recovered.</summary>
    /// <param name="kind">Its word in the journal.</param>
    /// <param name="recover">Finishes it and returns null, or undoes it and returns why it failed. Must be able to run again.</param>
    public void Add(string kind, Func<MachineChange, JournalEntry, CancellationToken, Task<HypervisorException?>> recover) => _kinds[kind] = recover;

    /// <summary>What an operation that was interrupted and not finished failed with.</summary>
    public static HypervisorException Interrupted(JournalEntry entry) =>
        new($"The process that carried out '{entry.Kind}' ended in the middle of it.", ErrorCode.Unspecified, RequestOutcome.FailedMidway);

    /// <summary>What an operation failed with that was interrupted and of which nothing is left: it can be asked for again.</summary>
    private static HypervisorException Undone(JournalEntry entry) =>
        new($"The process that carried out '{entry.Kind}' ended in the middle of it, and nothing is left of it.", ErrorCode.Unavailable, RequestOutcome.Rejected);

    /// <summary>Recovers everything that nobody holds.</summary>
    public async Task RecoverAllAsync(CancellationToken cancellationToken)
    {
        var state = services.State;
        foreach (string id in state.List("trash").Concat(table.Ids()).Concat(services.Runtime.List()).Distinct().Where(MachineIds.IsValid).ToList())
        {
            if (!await TryRecoverAsync(id, cancellationToken).ConfigureAwait(false))
                table.Get(id).IsUnsettled = true;
        }

        foreach (string file in state.List("locks").Where(file => file.EndsWith(QemuBackups.LockEnding, StringComparison.Ordinal)).ToList())
            await RecoverBackupAsync(file, cancellationToken).ConfigureAwait(false);

        foreach (string name in state.List("names"))
        {
            if (state.HolderOf(name) is not { } holder || Exists(holder))
                continue;
            using var hold = TryHold(holder);
            if (hold is not null && !Exists(holder))
                state.ReleaseName(holder, name);
        }

        foreach (string file in state.List("locks"))
        {
            string id = file.EndsWith(".watch", StringComparison.Ordinal) || file.EndsWith(QemuBackups.LockEnding, StringComparison.Ordinal) ? file[..file.LastIndexOf('.')] : file;
            if (Exists(id))
                continue;
            using var taken = state.TryLock(file);
            if (taken is not null && !Exists(id))
                taken.Remove();
        }
    }

    /// <summary>Recovers one machine, unless somebody holds it, as far as that can be done without asking another host.</summary>
    /// <returns>False when somebody does.</returns>
    public Task<bool> RecoverUnheldAsync(string id, CancellationToken cancellationToken) => RecoverUnheldAsync(id, mayAsk: false, cancellationToken);

    /// <summary>Recovers one machine, unless somebody holds it.</summary>
    /// <param name="id">The machine.</param>
    /// <param name="mayAsk">Whether the other side of an interrupted move may be asked, which may take a while. Not while this backend is being connected: the other one may be waiting for it.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>False when somebody does.</returns>
    public async Task<bool> RecoverUnheldAsync(string id, bool mayAsk, CancellationToken cancellationToken)
    {
        var hold = TryHold(id);
        if (hold is null)
            return false;
        await RecoverHeldAsync(hold, null, cancellationToken, mayAsk).ConfigureAwait(false);
        return true;
    }

    /// <summary>Recovers one machine whose lock is held, and lets go of it.</summary>
    /// <param name="hold">The lock.</param>
    /// <param name="verdict">What the source of a move has just said of it.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <param name="mayAsk">Whether the other side may be asked.</param>
    public async Task RecoverHeldAsync(MachineHold hold, MigrationVerdict? verdict, CancellationToken cancellationToken, bool mayAsk = false)
    {
        string id = hold.Machine.Id;
        var change = new MachineChange(services, table, hold, services.State.ReadJournal(id));
        await using (change.ConfigureAwait(false))
            await RecoverAsync(change, cancellationToken, mayAsk, verdict).ConfigureAwait(false);
        // What moves, and has not come to its end at the other side, is looked at again.
        hold.Machine.IsUnsettled = services.State.Root.Find(StateDirectory.Machine(id)) is not null && change.Journal.Open.Any();
    }

    /// <summary>Recovers one machine. Waits for a holder that has died and not quite let go, and for one that only looks; not for long for one that lives, which may be changing it.</summary>
    private async Task<bool> TryRecoverAsync(string id, CancellationToken cancellationToken)
    {
        long begin = services.Time.GetTimestamp();
        while (true)
        {
            if (await RecoverUnheldAsync(id, cancellationToken).ConfigureAwait(false))
                return true;
            var patience = MachineLock.IsHeldByTheLiving(services.State.Root, id) ? s_livingPatience : services.Options.StartTimeout;
            if (services.Time.GetElapsedTime(begin) > patience)
                return false;
            await Task.Delay(s_holderPause, services.Time, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Recovers the machine of a change.</summary>
    /// <param name="change">The change.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <param name="mayAsk">Whether the other side of an interrupted move may be asked.</param>
    /// <param name="verdict">What the source of one has just said of it.</param>
    public async Task RecoverAsync(MachineChange change, CancellationToken cancellationToken, bool mayAsk = true, MigrationVerdict? verdict = null)
    {
        var root = change.Root;
        if (root.Find(StateDirectory.Trash(change.Id)) is not null)
        {
            // Removing it was the work itself, or undid the work that was to bring it.
            var undone = MachineJournal.Read(root, $"{StateDirectory.Trash(change.Id)}/journal").Open.FirstOrDefault(entry => entry.Kind is not (WorkKinds.Delete or WorkKinds.Migrate));
            MachineRemoval.Finish(services, change.Hold, undone is null ? JournalOutcomes.Succeeded : JournalOutcomes.Failed, undone is null ? null : Undone(undone));
            return;
        }

        if (root.Find(StateDirectory.Machine(change.Id)) is null)
        {
            services.Runtime.Remove(change.Id);
            return;
        }

        if (change.Machine.ReadConfig() is not { } config)
        {
            // Created in part: nobody has seen it.
            var creation = change.Journal.Open.FirstOrDefault();
            MachineRemoval.Remove(services, change.Hold, JournalOutcomes.Failed, creation is null ? null : Undone(creation));
            return;
        }

        foreach (string directory in (string[])[StateDirectory.Machine(change.Id), StateDirectory.Disks(change.Id)])
            root.RemoveUnfinishedWrites(directory);
        if (root.Find($"{StateDirectory.Machine(change.Id)}/claim") is not null)
            root.Delete($"{StateDirectory.Machine(change.Id)}/claim");
        var open = change.Journal.Open.ToList();
        if (open.Count == 0)
            return;
        if (change.ReadLiveRecord() is null)
        {
            // A process that nobody noted has not run a guest instruction yet.
            await MachineLauncher.KillStraysAsync(services, config, cancellationToken).ConfigureAwait(false);
        }

        foreach (var entry in open)
        {
            if (config.Incoming is { } incoming)
            {
                if (entry.Kind == WorkKinds.Receive && !await MigrationReceiver.RecoverAsync(change, incoming, entry, new MigrationOrigin(contacts, change.Id, incoming, verdict, mayAsk), cancellationToken).ConfigureAwait(false))
                    return;
                change.Journal.End(entry.Operation, JournalOutcomes.Succeeded, services.Time.GetUtcNow());
                continue;
            }

            bool isGiven = false;
            var move = MigrationDecision.IntentOf(entry);
            if (move is not null && MigrationDecision.IsGiven(root, change.Id, move.Migration))
            {
                var standing = await contacts.StandingAsync(change, move, mayAsk, cancellationToken).ConfigureAwait(false);
                isGiven = standing == MigrationStanding.Settled;
                if (standing == MigrationStanding.NeverRan)
                    MigrationDecision.TakeBack(root, change.Id);
                else if (!isGiven)
                    // The target may still give it back, and then it goes on here.
                    return;
            }

            // What another host has taken is that one's: nothing of it stays here.
            if (entry.Kind == WorkKinds.Delete || isGiven)
            {
                await MachineLauncher.KillAsync(change, cancellationToken).ConfigureAwait(false);
                MachineRemoval.Remove(services, change.Hold, JournalOutcomes.Succeeded);
                return;
            }

            var failure = _kinds.TryGetValue(entry.Kind ?? "", out var recover) ? await recover(change, entry, cancellationToken).ConfigureAwait(false) : Interrupted(entry);
            change.Journal.End(entry.Operation, failure is null ? JournalOutcomes.Succeeded : JournalOutcomes.Failed, services.Time.GetUtcNow(), failure);
            if (move is not null && mayAsk)
                await contacts.DeclineAsync(change, move, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>The file of a backup's lock is there and nobody holds it: its process died. It stays when the rest cannot be removed now.</summary>
    private async Task RecoverBackupAsync(string file, CancellationToken cancellationToken)
    {
        string id = file[..^QemuBackups.LockEnding.Length];
        using var taken = services.State.TryLock(file);
        if (taken is null || AbandonedBackup is null || !Exists(id) || TryHold(id) is not { } hold)
            return;
        var change = new MachineChange(services, table, hold, services.State.ReadJournal(id));
        await using (change.ConfigureAwait(false))
        {
            try
            {
                await AbandonedBackup(change, cancellationToken).ConfigureAwait(false);
                taken.Remove();
            }
            catch (HypervisorException)
            {
                // A QEMU that does not answer must not keep anybody from connecting.
            }
        }
    }

    private bool Exists(string id) => services.State.Root.Find(StateDirectory.Machine(id)) is not null || services.State.Root.Find(StateDirectory.Trash(id)) is not null;

    private MachineHold? TryHold(string id)
    {
        var machine = table.Get(id);
        if (!machine.Gate.Wait(0))
            return null;
        try
        {
            if (services.State.TryLock(id) is { } file)
                return new MachineHold(machine, file);
        }
        catch
        {
            machine.Gate.Release();
            throw;
        }

        machine.Gate.Release();
        return null;
    }

    /// <summary>The process is noted before the guest runs: what is noted and answers is let go, everything else was killed already.</summary>
    private static async Task<HypervisorException?> RecoverStartAsync(MachineChange change, JournalEntry entry, CancellationToken cancellationToken)
    {
        if (change.ReadLiveRecord() is null)
        {
            change.Table.Settle(change.Machine);
            return Interrupted(entry);
        }

        try
        {
            var monitor = await change.MonitorAsync(cancellationToken).ConfigureAwait(false);
            var status = await monitor.GetRunStatusAsync(cancellationToken).ConfigureAwait(false);
            // The one that was to be replaced.
            if (Machine.StateOf(status.Status, status.IsRunning) == PowerState.Crashed)
            {
                await MachineLauncher.KillAsync(change, cancellationToken).ConfigureAwait(false);
                return Interrupted(entry);
            }

            await DiskThrottle.ApplyAllAsync(change, cancellationToken).ConfigureAwait(false);
            if (change.Config.MemoryTargetBytes is not null)
                await MemoryBalloon.ApplyAsync(change, cancellationToken).ConfigureAwait(false);
            await monitor.ContAsync(cancellationToken).ConfigureAwait(false);
            return null;
        }
        catch (HypervisorException)
        {
            await MachineLauncher.KillAsync(change, cancellationToken).ConfigureAwait(false);
            return Interrupted(entry);
        }
    }

    /// <summary>A reset that had to boot anew may have left a QEMU that was not let go yet.</summary>
    private static async Task<HypervisorException?> RecoverResetAsync(MachineChange change, JournalEntry entry, CancellationToken cancellationToken)
    {
        if (change.ReadLiveRecord() is null)
        {
            change.Table.Settle(change.Machine);
            return Interrupted(entry);
        }

        var monitor = await change.MonitorAsync(cancellationToken).ConfigureAwait(false);
        var status = await monitor.GetRunStatusAsync(cancellationToken).ConfigureAwait(false);
        return status.Status == RunState.Prelaunch ? await RecoverStartAsync(change, entry, cancellationToken).ConfigureAwait(false) : Interrupted(entry);
    }

    /// <summary>It was not given away: it goes on here. The target finds that out for itself.</summary>
    private static async Task<HypervisorException?> RecoverMigrationAsync(MachineChange change, JournalEntry entry, CancellationToken cancellationToken)
    {
        if (change.ReadLiveRecord() is not null && MigrationDecision.IntentOf(entry) is { } intent)
        {
            try
            {
                return await MigrationSource.KeepAsync(change, intent.WasRunning).ConfigureAwait(false) ?? Interrupted(entry);
            }
            catch (HypervisorException error)
            {
                return new HypervisorException($"The process that moved the machine ended in the middle of it, and going on here failed: {error.Message}", error.Code, RequestOutcome.FailedMidway, error);
            }
        }

        return Interrupted(entry);
    }

    private static async Task<HypervisorException?> RecoverRunStateAsync(MachineChange change, JournalEntry entry, PowerState wanted, CancellationToken cancellationToken) =>
        (await change.GetStatusAsync(cancellationToken).ConfigureAwait(false)).State == wanted ? null : Interrupted(entry);
}
