using System.Runtime.Versioning;
using Hypervisor.Sdk.Qemu.Machines;
using Hypervisor.Sdk.Qemu.Qapi;
using Hypervisor.Sdk.Qemu.State;

namespace Hypervisor.Sdk.Qemu.Migration;

/// <summary>What happens at the target of a move, under the machine's lock there.</summary>
[SupportedOSPlatform("linux")]
internal static class MigrationReceiver
{
    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(10);

    /// <summary>Makes the machine's directory, and starts a QEMU that waits for the guest.</summary>
    public static async Task PrepareAsync(MachineChange target, MachineConfig config, DiskMaker disks, RequestId request, CancellationToken cancellationToken)
    {
        target.Table.News.Expect(target.Id);
        target.Root.CreateDirectory(StateDirectory.Machine(target.Id));
        target.Journal.Begin(WorkKinds.Receive, request, target.Services.Time.GetUtcNow());
        if (!target.Services.State.TryClaimName(target.Id, config.Name))
            throw new HypervisorException($"There is a machine of the name '{config.Name}' at '{target.Services.Name}' already.", ErrorCode.AlreadyExists, RequestOutcome.Rejected) { Resource = $"instance {config.Name}" };
        target.Root.CreateDirectory(StateDirectory.Disks(target.Id));
        target.Services.State.WriteConfig(config);
        target.Machine.Forget();
        foreach (var disk in MigrationStorage.DisksOf(config))
            await disks.MakeAsync(target, disk, cancellationToken).ConfigureAwait(false);
        await NvramMaker.MakeBlankAsync(target, config, cancellationToken).ConfigureAwait(false);
        await MachineLauncher.StartAsync(target, hold: true, cancellationToken).ConfigureAwait(false);
        await MigrationWitness.ProveAsync(await target.MonitorAsync(cancellationToken).ConfigureAwait(false), cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Waits until the whole guest has come. It is held.</summary>
    /// <param name="target">The machine.</param>
    /// <param name="isSenderGone">Whether the source's QEMU has ended: then what has come is all that will.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public static async Task AwaitAsync(MachineChange target, bool isSenderGone, CancellationToken cancellationToken)
    {
        var client = await target.MonitorAsync(cancellationToken).ConfigureAwait(false);
        while (true)
        {
            var info = await client.QueryMigrateAsync(cancellationToken).ConfigureAwait(false);
            var status = await client.GetRunStatusAsync(cancellationToken).ConfigureAwait(false);
            if (info.Status == MigrationStatus.Completed && status.Status == RunState.Paused)
                return;
            bool mayStillCome = !isSenderGone || info.Status == MigrationStatus.Active || info.Status == MigrationStatus.Completed;
            if (info.Status == MigrationStatus.Failed || !mayStillCome)
                throw new HypervisorException($"The target's QEMU could not take the guest: {info.ErrorDesc ?? target.Table.ReadLogTail(target.Id)}", ErrorCode.Unspecified, RequestOutcome.FailedMidway) { BackendMessage = info.ErrorDesc };
            await Task.Delay(s_look, target.Services.Time, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>The machine was given: lets its guest go. Can be done again.</summary>
    /// <returns>Null when it runs, or is held as it was at the source; otherwise why not, and whether it has provably not run here: its QEMU has ended then.</returns>
    public static async Task<MigrationFailure?> LetGoAsync(MachineChange target)
    {
        var config = target.Config;
        var record = target.Services.State.ReadProcess(target.Id);
        try
        {
            var client = await target.MonitorAsync(CancellationToken.None).ConfigureAwait(false);
            // To a QEMU to which the guest has not come, "go on" would mean: when it has.
            if ((await client.GetRunStatusAsync(CancellationToken.None).ConfigureAwait(false)).Status == RunState.Inmigrate)
                throw new HypervisorException($"The guest of '{config.Name}' has not come.", ErrorCode.InvalidState, RequestOutcome.Rejected);
            if (config.Incoming is { RunAfter: true })
                await target.Root.EffectAsync($"let the guest go {target.Id}", async () => await client.ContAsync(CancellationToken.None).ConfigureAwait(false)).ConfigureAwait(false);
            return null;
        }
        catch (HypervisorException error)
        {
            bool? hasRun = MigrationWitness.HasRun(target.Services.State, target.Id, record);
            using var process = record is null ? null : Machine.Hold(record);
            // It said so before its answer was lost.
            if (process is not null && hasRun == true)
                return null;
            process?.Kill();
            if (process is not null)
                await process.Exited.ConfigureAwait(false);
            return new MigrationFailure(error, MigrationWitness.HasRun(target.Services.State, target.Id, record) == false);
        }
    }

    /// <summary>Makes the machine that was given one like any other. Can be done again.</summary>
    /// <param name="target">The machine.</param>
    /// <param name="isUp">Whether its QEMU is there.</param>
    public static async Task TakeAsync(MachineChange target, bool isUp)
    {
        var config = target.Config;
        var own = config with { Incoming = null };
        try
        {
            target.Services.State.WriteConfig(own);
        }
        catch (HypervisorException full) when (full.Code == ErrorCode.Exhausted && target.Services.State.Reserve.GiveUp())
        {
            // Its guest runs here, and nowhere else: what is kept back on a full disk is for this.
            target.Services.State.WriteConfig(own);
        }

        target.Machine.Forget();
        var process = target.ReadLiveRecord();
        if (process is not null)
            target.Services.Limits.Apply(own, process.Pid);
        target.Table.News.Created(own);
        if (process is null || !isUp)
            return;
        target.Table.News.Power(target.Id, config.Incoming is { RunAfter: true } ? PowerState.Running : PowerState.Paused, "It has moved here.");
        try
        {
            // What it writes of its run state was for the move.
            var client = await target.MonitorAsync(CancellationToken.None).ConfigureAwait(false);
            await client.TraceEventSetStateAsync(MigrationWitness.TraceEvent, enable: false, ignoreUnavailable: true, cancellationToken: CancellationToken.None).ConfigureAwait(false);
        }
        catch (HypervisorException)
        {
            // It is here and runs; a line more in its log at its next pause changes nothing.
        }
    }

    /// <summary>The machine was not given: nothing of it is left here. Can be done again.</summary>
    public static async Task DropAsync(MachineChange target, HypervisorException reason)
    {
        if (target.Root.Find(StateDirectory.Machine(target.Id)) is null)
            return;
        target.Table.News.Expect(target.Id);
        if (target.Machine.ReadConfig() is not null)
            await MachineLauncher.KillAsync(target, CancellationToken.None).ConfigureAwait(false);
        MachineRemoval.Remove(target.Services, target.Hold, JournalOutcomes.Failed, reason);
        target.Table.News.Unexpect(target.Id);
    }

    /// <summary>After a crash: takes or drops the machine as its source says, or gives it back when its QEMU has ended before the guest ran; leaves it held while the source cannot be asked.</summary>
    /// <param name="target">The machine.</param>
    /// <param name="incoming">The move.</param>
    /// <param name="entry">The move in the journal.</param>
    /// <param name="source">The source's side of it.</param>
    /// <param name="cancellationToken">Gives up what is asked.</param>
    /// <returns>False when nothing is left to recover here, now.</returns>
    public static async Task<bool> RecoverAsync(MachineChange target, IncomingMachine incoming, JournalEntry entry, MigrationOrigin source, CancellationToken cancellationToken)
    {
        switch (await source.IsGivenAsync(cancellationToken).ConfigureAwait(false))
        {
            case true:
                if (incoming.PostCopy && await IsWaitingAsync(target, source, cancellationToken).ConfigureAwait(false))
                    return false;
                var failure = await LetGoAsync(target).ConfigureAwait(false);
                if (failure is { NeverRan: true })
                {
                    if (!await source.TryGiveBackAsync(cancellationToken).ConfigureAwait(false))
                        return false;
                    await DropAsync(target, MachineRecovery.Interrupted(entry)).ConfigureAwait(false);
                    return false;
                }

                if (failure is null && incoming.PostCopy && await MigrationPostCopy.LookAsync(target, CancellationToken.None).ConfigureAwait(false) != MigrationStatus.Completed)
                    return false;
                await TakeAsync(target, isUp: target.ReadLiveRecord() is not null).ConfigureAwait(false);
                return true;
            case false:
                await DropAsync(target, MachineRecovery.Interrupted(entry)).ConfigureAwait(false);
                return false;
            default:
                return false;
        }
    }

    /// <summary>After a crash in the middle of a post-copy: whether memory is missing that can only come by a way which has to be made anew. The guest is not let go before: one that waits for memory can hold up its whole QEMU.</summary>
    private static async Task<bool> IsWaitingAsync(MachineChange target, MigrationOrigin source, CancellationToken cancellationToken)
    {
        var status = await MigrationPostCopy.LookAsync(target, CancellationToken.None).ConfigureAwait(false);
        if (target.ReadLiveRecord() is not { } record || (status is not null && status != MigrationStatus.PostcopyPaused && status != MigrationStatus.PostcopyRecover))
            return false;
        if (await source.IsUpAsync(cancellationToken).ConfigureAwait(false) != false)
            return true;
        // Nobody has that memory any more.
        await target.CloseMonitorAsync().ConfigureAwait(false);
        using var process = Machine.Hold(record);
        process?.Kill();
        if (process is not null)
            await process.Exited.ConfigureAwait(false);
        return false;
    }
}
