using System.Runtime.Versioning;
using System.Text.Json;
using Hypervisor.Sdk.Qemu.Backups;
using Hypervisor.Sdk.Qemu.Machines;
using Hypervisor.Sdk.Qemu.State;

namespace Hypervisor.Sdk.Qemu.Changes;

/// <summary>Plans changes, and carries them out step by step: what was done stays when a later step fails.</summary>
[SupportedOSPlatform("linux")]
internal sealed class ChangeApplier(QemuServices services, MachineTable table, DiskMaker disks, SpecReader specs, Func<MachineConfig, CancellationToken, Task> claimName)
{
    /// <summary>The steps of a change.</summary>
    public IReadOnlyList<ChangeStep> Plan(MachineConfig config, LiveDevices? live, InstanceChange change) => ChangePlanner.Plan(config, live, new PlanFacts
    {
        ReadDisk = (spec, id, field) => disks.Plan(spec, id, config.Machine, config.EffectivePlatform, field),
        FindCd = disks.FindCd,
        ReadNetwork = SpecReader.ReadNetwork,
        ReadName = specs.CheckName,
        IsNameTaken = name => services.State.HolderOf(name) is { } holder && holder != config.Id && table.Get(holder).ReadConfig() is not null,
        AreDisksRead = () => QemuBackups.AreRead(services.State.Root, config.Id),
        SnapshotsWithSeed = () => [.. services.State.ReadSnapshots(config.Id).Items.Where(snapshot => snapshot.Config.CloudInit is not null).Select(snapshot => snapshot.Name)],
        SnapshotsHolding = file => [.. services.State.ReadSnapshots(config.Id).Holding(file).Select(snapshot => snapshot.Name)],
    }, change);

    /// <summary>Plans under the lock what is to be done, and refuses what the plan or the options do not cover.</summary>
    public async Task<ApplyIntent> AcceptAsync(MachineChange change, ChangePlan plan, ApplyOptions options, CancellationToken cancellationToken)
    {
        var config = change.Config;
        if (plan.BasedOn != InstanceView.RevisionOf(config))
            throw Refused(change, $"was not changed: the plan was made for the revision {plan.BasedOn} of its configuration, which is at {config.Revision} now. Plan again", ErrorCode.Conflict);
        var status = await change.GetStatusAsync(cancellationToken).ConfigureAwait(false);
        var live = status.IsUp ? await LiveDevices.QueryAsync(await change.MonitorAsync(cancellationToken).ConfigureAwait(false), cancellationToken).ConfigureAwait(false) : null;
        var steps = Plan(config, live, plan.Change);
        if (steps.FirstOrDefault(step => step.Impossible is not null) is { } impossible)
            throw Refused(change, $"was not changed: {impossible} is not possible. {impossible.Impossible!.TrimEnd('.')}", impossible.Impossible == ChangePlanner.IsRead ? ErrorCode.Locked : ErrorCode.Unsupported);
        if (steps.FirstOrDefault(step => (step.Effects & ~options.Accept) != 0) is { } unaccepted)
            throw Refused(change, $"was not changed: {unaccepted} has the effect {unaccepted.Effects & ~options.Accept}, which was not accepted", ErrorCode.InvalidArgument);
        return new ApplyIntent { BasedOn = config.Revision, Steps = steps };
    }

    /// <summary>Carries out the steps.</summary>
    /// <exception cref="HypervisorException">A step failed: it was undone, what was done before stays.</exception>
    public async Task RunAsync(MachineChange change, ApplyIntent intent, CancellationToken cancellationToken)
    {
        for (int i = 0; i < intent.Steps.Count; i++)
        {
            var step = intent.Steps[i];
            try
            {
                cancellationToken.ThrowIfCancellationRequested();
                await ChangeSteps.PrepareAsync(change, step, disks, claimName, cancellationToken).ConfigureAwait(false);
                ChangeSteps.Save(change, step);
                ChangeSteps.ClearAway(change, step);
            }
            catch (Exception error) when (error is HypervisorException or OperationCanceledException or IOException)
            {
                if (!await TrySettleAsync(change, intent, i, error).ConfigureAwait(false))
                    throw Failed(intent, i, DoneOf(change, intent), error);
            }
        }
    }

    /// <summary>Says how what a crash interrupts is finished or undone.</summary>
    public static void AddRecovery(MachineRecovery recovery) => recovery.Add(WorkKinds.Apply, static async (change, entry, token) =>
    {
        var intent = JsonSerializer.Deserialize(entry.Intent!, StateJson.Default.ApplyIntent)!;
        int done = DoneOf(change, intent);
        try
        {
            if (done < intent.Steps.Count && await ChangeSteps.SettleAsync(change, intent.Steps[done], token).ConfigureAwait(false))
                done++;
        }
        catch (HypervisorException error)
        {
            // A QEMU that does not answer must not keep everybody from the machine: it has to be stopped by somebody.
            return new HypervisorException(
                $"The process that applied the plan ended in the middle of it, and finishing or undoing {intent.Steps[done]} failed: {error.Message} {Account(intent, done)}", error.Code, RequestOutcome.FailedMidway, error);
        }

        foreach (var step in intent.Steps.Take(done))
            ChangeSteps.ClearAway(change, step);
        if (done == intent.Steps.Count)
            return null;
        return new HypervisorException($"The process that applied the plan ended in the middle of it. {Account(intent, done)}", ErrorCode.Unspecified, RequestOutcome.FailedMidway);
    });

    private static int DoneOf(MachineChange change, ApplyIntent intent) => (int)Math.Clamp(change.Config.Revision - intent.BasedOn, 0, intent.Steps.Count);

    /// <summary>Looks what became of a step that failed.</summary>
    /// <returns>Whether it is done all the same.</returns>
    private static async Task<bool> TrySettleAsync(MachineChange change, ApplyIntent intent, int index, Exception error)
    {
        // What the connection is worth is not known after a call that failed.
        await change.CloseMonitorAsync().ConfigureAwait(false);
        if (DoneOf(change, intent) > index)
            return false;
        try
        {
            return await ChangeSteps.SettleAsync(change, intent.Steps[index], CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception unsettled) when (unsettled is HypervisorException or IOException)
        {
            throw Failed(intent, index, index, new HypervisorException($"{error.Message} Undoing that failed too: {unsettled.Message}", (error as HypervisorException)?.Code ?? ErrorCode.Unspecified, RequestOutcome.Unknown, error));
        }
    }

    private static Exception Failed(ApplyIntent intent, int index, int done, Exception error) => error switch
    {
        // Nothing was done, and nothing else was asked for: it is what it is.
        _ when done == 0 && intent.Steps.Count == 1 => error,
        HypervisorException known => new HypervisorException($"{intent.Steps[index]} failed: {known.Message} {Account(intent, done)}", known.Code, done == 0 ? known.Outcome : RequestOutcome.FailedMidway, known)
        {
            BackendCode = known.BackendCode,
            BackendMessage = known.BackendMessage,
            FieldErrors = known.FieldErrors,
        },
        OperationCanceledException when done == 0 => error,
        _ => new HypervisorException($"{intent.Steps[index]} failed: {error.Message} {Account(intent, done)}", error is OperationCanceledException ? ErrorCode.Cancelled : ErrorCode.Unspecified, RequestOutcome.FailedMidway, error),
    };

    private static string Account(ApplyIntent intent, int done) =>
        $"Done: {(done == 0 ? "nothing" : string.Join("; ", intent.Steps.Take(done)))}. Not done: {(done == intent.Steps.Count ? "nothing" : string.Join("; ", intent.Steps.Skip(done)))}.";

    private static HypervisorException Refused(MachineChange change, string why, ErrorCode code) =>
        new($"'{change.Config.Name}' {why}.", code, RequestOutcome.Rejected) { Resource = $"instance {change.Id}" };
}
