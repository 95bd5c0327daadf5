using System.Runtime.Versioning;
using System.Text.Json;
using Hypervisor.Sdk.Qemu.Driver;
using Hypervisor.Sdk.Qemu.Machines;
using Hypervisor.Sdk.Qemu.State;

namespace Hypervisor.Sdk.Qemu.Migration;

/// <summary>
/// Moves running machines to another QEMU backend that this process has connected. The target starts a QEMU that waits, the memory goes over, and when all of it has come while the guest stands still at both ends, one file gives the
/// machine to the target (<see cref="MigrationDecision"/>). Before that every failure, and every end of a process, leaves it running at the source.
/// </summary>
[SupportedOSPlatform("linux")]
internal sealed class QemuMigration(QemuServices services, MachineTable table, MachineWork work, MachineRecovery recovery, DiskMaker disks) : IMigration
{
    /// <summary>The longest that QEMU takes (migration parameter <c>downtime-limit</c>).</summary>
    private static readonly TimeSpan s_longestDowntime = TimeSpan.FromSeconds(2000);

    public async Task<MigrationCheck> CheckAsync(InstanceId id, MigrationTarget target, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(target);
        var (machine, config) = table.Require(id);
        var status = await table.GetStatusAsync(machine, config, cancellationToken).ConfigureAwait(false);
        var (peer, problem) = await FindPeerAsync(machine.Id, target, cancellationToken).ConfigureAwait(false);
        return new MigrationCheck { Obstacles = [.. Obstacles(config, status, peer, problem, withStorage: true)] };
    }

    public Task<Operation<Instance>> MigrateAsync(InstanceId id, MigrationTarget target, MigrationOptions? options = null, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(target);
        options ??= new MigrationOptions();
        if (options.MaxDowntime < TimeSpan.Zero || options.MaxDowntime > s_longestDowntime)
            throw new ArgumentException($"A downtime is 0 to {s_longestDowntime.TotalSeconds:0} s; this one is {options.MaxDowntime}.", nameof(options));
        if (options.MaxBandwidthPerSecond is { Bytes: <= 0 })
            throw new ArgumentException("A bandwidth is more than zero.", nameof(options));
        var requestId = request?.RequestId ?? RequestId.New(services.Time);
        request = new RequestOptions { RequestId = requestId, Deadline = request?.Deadline, IfRevision = request?.IfRevision, IfIncarnation = request?.IfIncarnation, FencingToken = request?.FencingToken };
        QemuMigration? peer = null;
        MigrationIntent? intent = null;
        return work.BeginAsync(
            id, WorkKinds.Migrate, request,
            async (change, token) =>
            {
                var (found, problem) = await FindPeerAsync(change.Id, target, token).ConfigureAwait(false);
                peer = found;
                var status = await change.GetStatusAsync(token).ConfigureAwait(false);
                var obstacles = Obstacles(change.Config, status, found, problem, options.WithStorage).ToList();
                if (obstacles.Count > 0)
                    throw new HypervisorException($"'{change.Config.Name}' cannot be moved: {string.Join(" ", obstacles)}", ErrorCode.InvalidState, RequestOutcome.Rejected) { Resource = $"instance {change.Id}" };
                intent = new MigrationIntent { Migration = Guid.NewGuid(), Target = found!.Services.Name.ToString(), WasRunning = status.State == PowerState.Running };
                return JsonSerializer.Serialize(intent, StateJson.Default.MigrationIntent);
            },
            (change, token) => peer!.ReceiveAsync(change, options, intent!, requestId, token),
            static (change, token) => change.ViewAsync(token), canCancel: true, cancellationToken: cancellationToken);
    }

    /// <summary>The move, as the target: it has the locks of both.</summary>
    private async Task<Instance> ReceiveAsync(MachineChange source, MigrationOptions options, MigrationIntent intent, RequestId request, CancellationToken cancellationToken)
    {
        var hold = await table.HoldAsync(source.Id, services.Options.StartTimeout, cancellationToken).ConfigureAwait(false);
        var target = new MachineChange(services, table, hold, services.State.ReadJournal(source.Id));
        await using (target.ConfigureAwait(false))
        {
            var config = MigrationStorage.AtTarget(source.Config) with { Incoming = new IncomingMachine { Migration = intent.Migration, SourceState = source.Services.State.Path, RunAfter = intent.WasRunning } };
            try
            {
                await MigrationReceiver.PrepareAsync(target, config, disks, request, cancellationToken).ConfigureAwait(false);
                var storage = await MigrationStorage.BeginAsync(source, target, options, cancellationToken).ConfigureAwait(false);
                try
                {
                    var route = await MigrationRoute.OpenAsync(source, target, cancellationToken).ConfigureAwait(false);
                    await using (route.ConfigureAwait(false))
                    {
                        await MigrationSource.SendAsync(source, route.SourceUri, options, cancellationToken).ConfigureAwait(false);
                        source.Progress.Say("taking over", 1);
                        await MigrationReceiver.AwaitAsync(target, cancellationToken).ConfigureAwait(false);
                        await MigrationStorage.CloseAsync(target, cancellationToken).ConfigureAwait(false);
                    }
                }
                finally
                {
                    if (storage is not null)
                        await storage.DisposeAsync().ConfigureAwait(false);
                }

                cancellationToken.ThrowIfCancellationRequested();
                MigrationDecision.Give(source, intent.Migration);
            }
            catch (Exception error) when (error is HypervisorException or OperationCanceledException or IOException or UnauthorizedAccessException)
            {
                await KeepAsync(source, target, intent, error).ConfigureAwait(false);
                throw;
            }

            return await FinishAsync(source, target).ConfigureAwait(false);
        }
    }

    private static async Task KeepAsync(MachineChange source, MachineChange target, MigrationIntent intent, Exception error)
    {
        source.Progress.Say("going on where it was");
        var reason = error as HypervisorException ?? new HypervisorException("The move was given up.", ErrorCode.Cancelled, RequestOutcome.FailedMidway, error);
        try
        {
            if (source.ReadLiveRecord() is not null)
                await MigrationSource.KeepAsync(source, intent.WasRunning).ConfigureAwait(false);
        }
        catch (HypervisorException) when (source.ReadLiveRecord() is null)
        {
            // The source's QEMU has ended, which its watch tells of.
        }
        finally
        {
            await MigrationReceiver.DropAsync(target, reason).ConfigureAwait(false);
        }
    }

    /// <summary>What follows from the decision, and is carried out after it whatever happens: by this, or by recovery on both sides.</summary>
    private static async Task<Instance> FinishAsync(MachineChange source, MachineChange target)
    {
        var failure = await MigrationReceiver.TakeAsync(target).ConfigureAwait(false);
        foreach (var open in target.Journal.Open.ToList())
            target.Journal.End(open.Operation, JournalOutcomes.Succeeded, target.Services.Time.GetUtcNow());
        await MachineLauncher.KillAsync(source, CancellationToken.None).ConfigureAwait(false);
        MachineRemoval.Remove(source.Services, source.Hold, JournalOutcomes.Succeeded);
        source.Table.News.Deleted(source.Id);
        await target.CatchUpAsync().ConfigureAwait(false);
        return failure is null ? await target.ViewAsync(CancellationToken.None).ConfigureAwait(false) : throw failure;
    }

    private IEnumerable<string> Obstacles(MachineConfig config, MachineStatus status, QemuMigration? peer, string? problem, bool withStorage)
    {
        var there = problem is not null ? [problem] : MigrationObstacles.AtTarget(services, peer!.Services, peer.Disks, MigrationStorage.AtTarget(config), status);
        if (withStorage && peer is not null)
            there = there.Concat(MigrationObstacles.Space(services, peer.Services, config));
        return there.Concat(MigrationObstacles.AtSource(services, config, status, withStorage));
    }

    private QemuServices Services => services;

    private DiskMaker Disks => disks;

    /// <summary>The other backend, or why there is none to move to.</summary>
    private async Task<(QemuMigration? Peer, string? Problem)> FindPeerAsync(string id, MigrationTarget target, CancellationToken cancellationToken)
    {
        if (target.Node is { } node)
            return (null, $"There is no node '{node}' to move to: a QEMU backend is one host, name another backend.");
        if (target.Pool is { } pool)
            return (null, $"There is no pool '{pool}': disks stay where they are when a machine moves.");
        if (target.Backend is not { } name)
            return (null, "No backend is named to move to.");
        if (services.Options.FindBackend is not { } find)
            return (null, $"This backend was connected without {nameof(QemuOptions)}.{nameof(QemuOptions.FindBackend)}, so it does not find '{name}'.");
        try
        {
            var backend = await find(name, cancellationToken).ConfigureAwait(false);
            if (!backend.TryGet<QemuMigration>(out var peer))
                return (null, $"The backend '{name}' is of the kind '{backend.Info.Kind}': a machine of QEMU moves to QEMU.");
            if (peer.Services.State.Path == services.State.Path)
                return (null, $"It is at '{name}' already.");
            // What an interrupted move has left there.
            await peer.SettleAsync(id, cancellationToken).ConfigureAwait(false);
            return (peer, null);
        }
        catch (HypervisorException error)
        {
            return (null, $"The backend '{name}' cannot be reached: {error.Message}");
        }
    }

    /// <summary>Settles, before a move begins, what an interrupted one has left at the target.</summary>
    private Task<bool> SettleAsync(string id, CancellationToken cancellationToken) => recovery.RecoverUnheldAsync(id, cancellationToken);
}
