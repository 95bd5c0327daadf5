using System.Runtime.Versioning;
using Hypervisor.Sdk.Drivers;
using Hypervisor.Sdk.Qemu.Clones;
using Hypervisor.Sdk.Qemu.Machines;
using Hypervisor.Sdk.Qemu.State;

namespace Hypervisor.Sdk.Qemu.Driver;

/// <summary>The role: machines are created, listed and deleted here; see the other part for starting and stopping.</summary>
[SupportedOSPlatform("linux")]
internal sealed partial class QemuHypervisor(QemuServices services, MachineTable table, MachineWork work, MachineRecovery recovery, DiskMaker disks, SpecReader specs) : IHypervisor
{
    public PagedList<Instance> List(InstanceFilter? filter = null) => new MachineList(services, table, filter);

    public Task<Instance?> FindAsync(InstanceId id, CancellationToken cancellationToken = default) => table.FindAsync(id.ToString(), cancellationToken);

    public Task<Subscription> WatchAsync(WatchOptions? options = null, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return Task.FromResult(services.Events.Subscribe(options, token => List().WithCancellation(token).ToAsync()));
    }

    public async Task<Operation<Instance>> CreateAsync(VirtualMachineSpec spec, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(spec);
        var requestId = request?.RequestId ?? RequestId.New(services.Time);
        if (work.FindSame<Instance>(requestId, WorkKinds.Create) is { } running)
            return running;
        string id = MachineIds.Of(requestId);
        var images = spec.Disks.Select(disk => (disk.Content as DiskContent.FromImage)?.Image).ToList();
        var cloudInit = SeedMaker.Copy(spec.CloudInit);
        return await CreateAsync(
            specs.Read(spec, id), WorkKinds.Create, requestId, request,
            (change, config, token) => MakeDisksAsync(change, config, images, cloudInit, token), cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Creates a machine from a configuration that was checked. Creating from a spec and cloning are both this.</summary>
    /// <param name="config">What it will be; its id is made from the request.</param>
    /// <param name="kind">The word for it in the journal.</param>
    /// <param name="requestId">The request.</param>
    /// <param name="request">What the caller says about the call.</param>
    /// <param name="make">Makes the disks; returns the configuration as it then is.</param>
    /// <param name="cancellationToken">Ends the wait for the acceptance.</param>
    public async Task<Operation<Instance>> CreateAsync(
        MachineConfig config, string kind, RequestId requestId, RequestOptions? request, Func<MachineChange, MachineConfig, CancellationToken, Task<MachineConfig>> make, CancellationToken cancellationToken)
    {
        var deadline = request?.Deadline ?? services.Options.DefaultDeadline;
        var hold = await table.HoldAsync(config.Id, deadline, cancellationToken).ConfigureAwait(false);
        var change = new MachineChange(services, table, hold, services.State.ReadJournal(config.Id)) { Progress = new WorkProgress { CanCancel = true } };
        try
        {
            await recovery.RecoverAsync(change, cancellationToken).ConfigureAwait(false);
            if (change.Machine.ReadConfig() is not null)
            {
                var seen = change.Journal.Find(requestId) ?? new JournalEntry { Operation = 0, Kind = kind, At = config.CreatedAt };
                return await work.RepeatAsync(change, seen, requestId, kind, static (repeated, token) => repeated.ViewAsync(token), cancellationToken).ConfigureAwait(false);
            }

            RefuseDeleted(config.Id, requestId);
            if (!hold.IsCurrent)
            {
                // Recovery has removed the lock with what was left of an earlier attempt: another one is needed.
                await change.DisposeAsync().ConfigureAwait(false);
                return await CreateAsync(config, kind, requestId, request, make, cancellationToken).ConfigureAwait(false);
            }

            return await BeginCreateAsync(change, config, kind, requestId, request, deadline, make, cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            await change.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    public async Task<Operation> DeleteAsync(InstanceId id, DeleteOptions? options = null, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        bool stopFirst = options?.StopFirst ?? false;
        if (!id.IsDefault && request?.RequestId is { } requestId && FindGone(id.ToString(), requestId) is { } gone)
            return gone;
        return await work.BeginAsync<bool>(
            id, WorkKinds.Delete, request,
            async (change, token) =>
            {
                var status = await change.GetStatusAsync(token).ConfigureAwait(false);
                if (status.IsUp && !stopFirst)
                    throw new HypervisorException($"'{change.Config.Name}' is {status.State}; stop it first, or ask for that with the deletion.", ErrorCode.InvalidState, RequestOutcome.Rejected) { Resource = $"instance {change.Id}" };
                LinkedClones.RefuseWhileShared(change, "deleted");
                return null;
            },
            async (change, token) =>
            {
                await MachineLauncher.KillAsync(change, token).ConfigureAwait(false);
                MachineRemoval.Remove(services, change.Hold, JournalOutcomes.Succeeded);
                table.News.Deleted(change.Id);
                return true;
            },
            static (_, _) => Task.FromResult(true),
            cancellationToken: cancellationToken).ConfigureAwait(false);
    }

    private async Task<Operation<Instance>> BeginCreateAsync(
        MachineChange change, MachineConfig config, string kind, RequestId requestId, RequestOptions? request, TimeSpan deadline,
        Func<MachineChange, MachineConfig, CancellationToken, Task<MachineConfig>> make, CancellationToken cancellationToken)
    {
        var root = change.Root;
        long operation;
        try
        {
            root.CreateDirectory(StateDirectory.Machine(config.Id));
            operation = change.Journal.Begin(kind, requestId, services.Time.GetUtcNow(), request?.FencingToken);
            await ClaimNameAsync(config, cancellationToken).ConfigureAwait(false);
        }
        catch (HypervisorException error)
        {
            Undo(change, error);
            throw;
        }

        return work.Run(change, operation, kind, requestId, deadline, async (running, token) =>
        {
            try
            {
                root.CreateDirectory(StateDirectory.Disks(config.Id));
                var made = await make(running, config, token).ConfigureAwait(false);
                services.State.WriteConfig(made);
                ExistingVolumes.Release(running, made.Disks);
                table.News.Created(made);
            }
            catch (Exception error) when (error is HypervisorException or OperationCanceledException)
            {
                Undo(running, error as HypervisorException ?? new HypervisorException("Creating the machine was cancelled or took too long; nothing is left of it.", ErrorCode.Cancelled, RequestOutcome.Rejected));
                throw;
            }

            return await running.ViewAsync(token).ConfigureAwait(false);
        });
    }

    private async Task<MachineConfig> MakeDisksAsync(MachineChange change, MachineConfig config, List<string?> images, CloudInitData? cloudInit, CancellationToken cancellationToken)
    {
        for (int i = 0; i < config.Disks.Count; i++)
        {
            change.Progress.Say($"making disk {config.Disks[i].Id}");
            if (i < images.Count && images[i] is { } image && config.Disks[i].Backing.Count == 0)
                await disks.CopyAsync(change, config.Disks[i], image, cancellationToken).ConfigureAwait(false);
            else
                await disks.MakeAsync(change, config.Disks[i], cancellationToken).ConfigureAwait(false);
        }

        await NvramMaker.MakeAsync(change, config, cancellationToken).ConfigureAwait(false);
        if (cloudInit is not null)
            SeedMaker.Make(change, config, cloudInit);
        return config;
    }

    /// <summary>Two creates of one name: the rename decides. A claim that a crash has left gives way once its machine is recovered.</summary>
    private async Task ClaimNameAsync(MachineConfig config, CancellationToken cancellationToken)
    {
        if (services.State.TryClaimName(config.Id, config.Name))
            return;
        if (services.State.HolderOf(config.Name) is { } holder && table.Get(holder).ReadConfig() is null)
        {
            await recovery.RecoverUnheldAsync(holder, cancellationToken).ConfigureAwait(false);
            if (services.State.TryClaimName(config.Id, config.Name))
                return;
        }

        throw new HypervisorException($"There is a machine of the name '{config.Name}' already.", ErrorCode.AlreadyExists, RequestOutcome.Rejected) { Resource = $"instance {config.Name}" };
    }

    private void Undo(MachineChange change, HypervisorException error)
    {
        if (change.Root.Find(StateDirectory.Machine(change.Id)) is null)
            return;
        try
        {
            MachineRemoval.Remove(services, change.Hold, JournalOutcomes.Failed, error);
        }
        catch (HypervisorException)
        {
            // The disk that was full or broken is so still: the next connect removes what is left.
        }
    }

    /// <summary>The same request after its machine was deleted is not a new machine; after an attempt that failed it is another attempt.</summary>
    private void RefuseDeleted(string id, RequestId requestId)
    {
        if (MachineRemoval.ReadGone(services.State, id) is { } gone && gone.Any(entry => entry.Outcome == JournalOutcomes.Succeeded))
            throw new HypervisorException($"The request {requestId} made the machine '{id}', which was deleted since. Ask with a new request id for a new machine.", ErrorCode.Conflict, RequestOutcome.Rejected) { Resource = $"instance {id}" };
    }

    private TrackedOperation<bool>? FindGone(string id, RequestId requestId)
    {
        if (!MachineIds.IsValid(id) || MachineRemoval.ReadGone(services.State, id)?.FirstOrDefault(entry => entry.Request == requestId.ToGuid() && entry.Kind == WorkKinds.Delete) is not { } entry)
            return null;
        return new TrackedOperation<bool>(work.TokenOf(id, entry.Operation), requestId, Task.FromResult(true), new WorkProgress());
    }
}
