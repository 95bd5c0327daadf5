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
    }

    /// <summary>Waits until the whole guest has come. It is held.</summary>
    public static async Task AwaitAsync(MachineChange target, CancellationToken cancellationToken)
    {
        var client = await target.MonitorAsync(cancellationToken).ConfigureAwait(false);
        while (true)
        {
            var info = await client.QueryMigrateAsync(cancellationToken).ConfigureAwait(false);
            var status = await client.GetRunStatusAsync(cancellationToken).ConfigureAwait(false);
            if (info.Status == MigrationStatus.Completed && status.Status == RunState.Paused)
                return;
            if (info.Status == MigrationStatus.Failed)
                throw new HypervisorException($"The target's QEMU could not take the guest: {info.ErrorDesc ?? target.Table.ReadLogTail(target.Id)}", ErrorCode.Unspecified, RequestOutcome.FailedMidway) { BackendMessage = info.ErrorDesc };
            await Task.Delay(s_look, target.Services.Time, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>The machine was given: lets its guest go, and makes it one like any other. Can be done again.</summary>
    /// <returns>Why the guest does not run though it should; null when it does.</returns>
    public static async Task<HypervisorException?> TakeAsync(MachineChange target)
    {
        var config = target.Config;
        HypervisorException? failure = null;
        var process = target.ReadLiveRecord();
        if (config.Incoming is { RunAfter: true })
        {
            try
            {
                var client = await target.MonitorAsync(CancellationToken.None).ConfigureAwait(false);
                await client.ContAsync(CancellationToken.None).ConfigureAwait(false);
            }
            catch (HypervisorException error)
            {
                failure = new HypervisorException($"'{config.Name}' has moved to '{target.Services.Name}', and its QEMU there did not go on: {error.Message}", error.Code, RequestOutcome.FailedMidway, error);
            }
        }

        var own = config with { Incoming = null };
        target.Services.State.WriteConfig(own);
        target.Machine.Forget();
        if (process is not null)
            target.Services.Limits.Apply(own, process.Pid);
        target.Table.News.Created(own);
        if (process is not null && failure is null)
            target.Table.News.Power(target.Id, config.Incoming is { RunAfter: true } ? PowerState.Running : PowerState.Paused, "It has moved here.");
        return failure;
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

    /// <summary>After a crash: takes or drops the machine as the source's directory says; leaves it held while that cannot be looked at.</summary>
    /// <returns>False when nothing is left to recover here, now.</returns>
    public static async Task<bool> RecoverAsync(MachineChange target, IncomingMachine incoming, JournalEntry entry)
    {
        switch (MigrationDecision.IsGiven(target.Id, incoming))
        {
            case true:
                await TakeAsync(target).ConfigureAwait(false);
                return true;
            case false:
                await DropAsync(target, MachineRecovery.Interrupted(entry)).ConfigureAwait(false);
                return false;
            default:
                return false;
        }
    }
}
