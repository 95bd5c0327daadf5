using System.Runtime.Versioning;
using System.Text.Json;
using Hypervisor.Sdk.Drivers;
using Hypervisor.Sdk.Qemu.Driver;
using Hypervisor.Sdk.Qemu.Machines;
using Hypervisor.Sdk.Qemu.State;

namespace Hypervisor.Sdk.Qemu.Migration;

/// <summary>
/// Moves running machines to another QEMU backend. The target starts a QEMU that waits, the memory goes over, and when all of it has come while the guest stands still at both ends, one file gives the machine to the target
/// (<see cref="MigrationDecision"/>). Before that every failure, and every end of a process or of the way between them, leaves it running at the source.
/// </summary>
[SupportedOSPlatform("linux")]
internal sealed class QemuMigration(QemuServices services, MachineTable table, MachineWork work, MigrationContacts contacts) : IMigration
{
    /// <summary>The longest that QEMU takes (migration parameter <c>downtime-limit</c>).</summary>
    private static readonly TimeSpan s_longestDowntime = TimeSpan.FromSeconds(2000);

    public async Task<MigrationCheck> CheckAsync(InstanceId id, MigrationTarget target, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(target);
        var (machine, config) = table.Require(id);
        var status = await table.GetStatusAsync(machine, config, cancellationToken).ConfigureAwait(false);
        var (peer, problem) = await FindPeerAsync(machine.Id, target, holdsSource: false, cancellationToken).ConfigureAwait(false);
        var guest = status.IsUp ? await table.AskAsync(machine, config, client => FeaturesAsync(client, config, cancellationToken), cancellationToken).ConfigureAwait(false) : null;
        (var answer, problem) = await AskAsync(peer, problem, Question(config, status, guest, withStorage: true), cancellationToken).ConfigureAwait(false);
        return new MigrationCheck
        {
            Obstacles = [.. Obstacles(config, status, answer, problem, withStorage: true)],
            PostCopyObstacles = answer is null ? [problem!] : answer.PostCopyObstacles,
        };
    }

    public async Task<Operation<Instance>> MigrateAsync(InstanceId id, MigrationTarget target, MigrationOptions? options = null, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(target);
        options ??= new MigrationOptions();
        if (options.MaxDowntime < TimeSpan.Zero || options.MaxDowntime > s_longestDowntime)
            throw new ArgumentException($"A downtime is 0 to {s_longestDowntime.TotalSeconds:0} s; this one is {options.MaxDowntime}.", nameof(options));
        if (options.PostCopyAfter < TimeSpan.Zero || (options.PostCopyAfter is not null && !options.Live))
            throw new ArgumentException($"Post-copy begins after zero or more, and is for guests that run meanwhile; this is {options.PostCopyAfter}.", nameof(options));
        if (options.MaxBandwidthPerSecond is { Bytes: <= 0 })
            throw new ArgumentException("A bandwidth is more than zero.", nameof(options));
        var requestId = request?.RequestId ?? RequestId.New(services.Time);
        request = new RequestOptions { RequestId = requestId, Deadline = request?.Deadline, IfRevision = request?.IfRevision, IfIncarnation = request?.IfIncarnation, FencingToken = request?.FencingToken };
        if (!id.IsDefault && FindMoved(id.ToString(), requestId) is { } before)
            return await RepeatAsync(before, id.ToString(), requestId, target, cancellationToken).ConfigureAwait(false);
        try
        {
            return await BeginAsync(id, target, options, request, requestId, cancellationToken).ConfigureAwait(false);
        }
        catch (HypervisorException error) when (error.Code == ErrorCode.NotFound && FindMoved(id.ToString(), requestId) is { } moved)
        {
            // It waited for the machine while the same request moved it.
            return await RepeatAsync(moved, id.ToString(), requestId, target, cancellationToken).ConfigureAwait(false);
        }
    }

    private Task<Operation<Instance>> BeginAsync(InstanceId id, MigrationTarget target, MigrationOptions options, RequestOptions request, RequestId requestId, CancellationToken cancellationToken)
    {
        IMigrationPeer? peer = null;
        MigrationIntent? intent = null;
        return work.BeginAsync(
            id, WorkKinds.Migrate, request,
            async (change, token) =>
            {
                (peer, string? problem) = await FindPeerAsync(change.Id, target, holdsSource: true, token).ConfigureAwait(false);
                var status = await change.GetStatusAsync(token).ConfigureAwait(false);
                var guest = status.IsUp ? await FeaturesAsync(await change.MonitorAsync(token).ConfigureAwait(false), change.Config, token).ConfigureAwait(false) : null;
                (var answer, problem) = await AskAsync(peer, problem, Question(change.Config, status, guest, options.WithStorage), token).ConfigureAwait(false);
                var obstacles = Obstacles(change.Config, status, answer, problem, options.WithStorage).ToList();
                if (options.PostCopyAfter is not null && answer is not null)
                    obstacles.AddRange(answer.PostCopyObstacles.Except(answer.Obstacles));
                if (obstacles.Count > 0)
                    throw new HypervisorException($"'{change.Config.Name}' cannot be moved: {string.Join(" ", obstacles)}", ErrorCode.InvalidState, RequestOutcome.Rejected) { Resource = $"instance {change.Id}" };
                intent = new MigrationIntent
                {
                    Migration = Guid.NewGuid(), Target = peer!.Name, TargetState = peer.StatePath, TargetIdentity = peer.StatePath is null ? answer!.Identity : null,
                    PostCopy = options.PostCopyAfter is not null && status.State == PowerState.Running, WasRunning = status.State == PowerState.Running,
                };
                return JsonSerializer.Serialize(intent, StateJson.Default.MigrationIntent);
            },
            (change, token) => new MigrationMove(change, peer!, intent!).RunAsync(options, requestId, token),
            static (change, token) => change.ViewAsync(token), canCancel: true, (change, open) => Resume(open, target), cancellationToken: cancellationToken);
    }

    /// <summary>What goes on with a move that was interrupted in the middle of a post-copy: another one to the same target. Null when that is not what is asked for.</summary>
    private Func<MachineChange, CancellationToken, Task<Instance>>? Resume(JournalEntry open, MigrationTarget target) =>
        MigrationDecision.IntentOf(open) is { PostCopy: true } intent && intent.Target == target.Backend?.ToString() ? async (change, token) =>
        {
            var (peer, problem) = await FindPeerAsync(change.Id, target, holdsSource: false, token).ConfigureAwait(false);
            if (peer is null)
                throw new HypervisorException(problem!, ErrorCode.Unavailable, RequestOutcome.NotSent);
            // What is left to do there may have been done by now.
            return await contacts.StandingAsync(change, intent, mayAsk: true, token).ConfigureAwait(false) == MigrationStanding.Settled
                ? await TakenAsync(change, peer, token).ConfigureAwait(false) : await new MigrationMove(change, peer, intent).ContinueAsync(token).ConfigureAwait(false);
        }
        : null;

    /// <summary>The target has taken the machine already: nothing of it is needed at the source.</summary>
    private static async Task<Instance> TakenAsync(MachineChange source, IMigrationPeer peer, CancellationToken cancellationToken)
    {
        await MigrationMove.LeaveAsync(source).ConfigureAwait(false);
        return await ViewAsync(peer, source.Id, cancellationToken).ConfigureAwait(false);
    }

    private static async Task<Instance> ViewAsync(IMigrationPeer peer, string id, CancellationToken cancellationToken)
    {
        try
        {
            var target = await peer.HoldAsync(id, cancellationToken).ConfigureAwait(false);
            await using (target.ConfigureAwait(false))
                return await target.ViewAsync().ConfigureAwait(false);
        }
        catch (HypervisorException error) when (error.Code == ErrorCode.NotFound)
        {
            throw new HypervisorException($"'{id}' has moved to '{peer.Name}', and is no longer there.", ErrorCode.NotFound, RequestOutcome.FailedMidway, error);
        }
    }

    /// <summary>The move that a request has done, by what is kept of machines that have gone.</summary>
    private JournalEntry? FindMoved(string id, RequestId request)
    {
        if (!MachineIds.IsValid(id) || MachineRemoval.ReadGone(services.State, id) is not { } gone || gone.FirstOrDefault(entry => entry.Request == request.ToGuid() && entry.Kind == WorkKinds.Migrate) is not { } begun)
            return null;
        return gone.Any(entry => entry.Operation == begun.Operation && entry.Outcome == JournalOutcomes.Succeeded) ? begun : null;
    }

    /// <summary>The same request once more, after it was done: the machine as it is at the target.</summary>
    private async Task<Operation<Instance>> RepeatAsync(JournalEntry moved, string id, RequestId requestId, MigrationTarget target, CancellationToken cancellationToken)
    {
        var (peer, problem) = await FindPeerAsync(id, target, holdsSource: false, cancellationToken).ConfigureAwait(false);
        if (peer is null)
            throw new HypervisorException($"'{id}' was moved by this request, and where it is cannot be looked at: {problem}", ErrorCode.Unavailable, RequestOutcome.NotSent) { Resource = $"instance {id}" };
        var found = await ViewAsync(peer, id, cancellationToken).ConfigureAwait(false);
        return new TrackedOperation<Instance>(work.TokenOf(id, moved.Operation), requestId, Task.FromResult(found), new WorkProgress());
    }

    private Task<IReadOnlySet<string>> FeaturesAsync(Qmp.QmpClient client, MachineConfig config, CancellationToken cancellationToken) =>
        MigrationOffer.FeaturesAsync(client, MachineArguments.CpuModel(config, services.Host), cancellationToken);

    private MigrationQuestion Question(MachineConfig config, MachineStatus status, IReadOnlySet<string>? guest, bool withStorage) => new()
    {
        Config = MigrationStorage.AtTarget(config),
        Source = services.Name.ToString(),
        SourceVersion = services.Host.Version.ToString(),
        SourceHasTls = services.Options.Migration.TlsDirectory is not null,
        CpuModel = MachineArguments.CpuModel(config, services.Host),
        Accelerator = status.Process?.Accelerator,
        GuestFeatures = guest is null ? [] : [.. guest],
        DiskBytes = withStorage ? MigrationStorage.BytesOf(services, config) : null,
    };

    private async Task<(MigrationAnswer? Answer, string? Problem)> AskAsync(IMigrationPeer? peer, string? problem, MigrationQuestion question, CancellationToken cancellationToken)
    {
        try
        {
            if (peer is null)
                return (null, problem);
            var answer = await peer.AskAsync(question, cancellationToken).ConfigureAwait(false);
            return answer.Identity is { } there && there == services.State.Identity() ? (null, $"It is at '{peer.Name}' already.") : (answer, null);
        }
        catch (HypervisorException error)
        {
            return (null, $"What '{peer!.Name}' can do is not known: {error.Message}");
        }
    }

    private IEnumerable<string> Obstacles(MachineConfig config, MachineStatus status, MigrationAnswer? answer, string? problem, bool withStorage) =>
        (answer?.Obstacles ?? [problem!]).Concat(MigrationObstacles.AtSource(services, config, status, withStorage));

    /// <summary>The other backend, or why there is none to move to.</summary>
    /// <param name="id">The machine.</param>
    /// <param name="target">Where it is to go.</param>
    /// <param name="holdsSource">Whether its lock is held and nothing of it was given away: then what waits there for word from here is told that.</param>
    /// <param name="cancellationToken">Gives up.</param>
    private async Task<(IMigrationPeer? Peer, string? Problem)> FindPeerAsync(string id, MigrationTarget target, bool holdsSource, CancellationToken cancellationToken)
    {
        if (target.Node is { } node)
            return (null, $"There is no node '{node}' to move to: a QEMU backend is one host, name another backend.");
        if (target.Pool is { } pool)
            return (null, $"There is no pool '{pool}': disks stay where they are when a machine moves.");
        if (target.Backend is not { } name)
            return (null, "No backend is named to move to.");
        try
        {
            var (peer, problem) = await contacts.FindAsync(name, cancellationToken).ConfigureAwait(false);
            if (peer is null)
                return (null, problem);
            if (peer.StatePath == services.State.Path || name == services.Name)
                return (null, $"It is at '{name}' already.");
            // What an interrupted move has left there.
            string identity = peer.StatePath is null ? services.State.Identity() : "";
            if (await peer.FindWaitingAsync(id, identity, cancellationToken).ConfigureAwait(false) is { } left && holdsSource)
                await peer.SettleAsync(id, new MigrationVerdict { Identity = identity, Migration = left, IsSourceUp = true }, cancellationToken).ConfigureAwait(false);
            return (peer, null);
        }
        catch (HypervisorException error)
        {
            return (null, $"The backend '{name}' cannot be reached: {error.Message}");
        }
    }
}
