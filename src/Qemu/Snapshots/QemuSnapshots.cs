using System.Runtime.CompilerServices;
using System.Runtime.Versioning;
using System.Text.Json;
using Hypervisor.Sdk.Qemu.Backups;
using Hypervisor.Sdk.Qemu.Guests;
using Hypervisor.Sdk.Qemu.Machines;
using Hypervisor.Sdk.Qemu.State;

namespace Hypervisor.Sdk.Qemu.Snapshots;

/// <summary>
/// Snapshots within the machine's own qcow2 images, all disks at one moment; the memory in an image of its own beside them. A snapshot is there when <c>snapshots.json</c> names it: what a crash leaves in images before
/// that is deleted by recovery, what it leaves of a deletion or of going back is finished.
/// </summary>
[SupportedOSPlatform("linux")]
internal sealed class QemuSnapshots(QemuServices services, MachineTable machines, MachineWork work, AgentChannel agents) : ISnapshots
{
    public async IAsyncEnumerable<Snapshot> ListAsync(InstanceId id, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        machines.Require(id);
        cancellationToken.ThrowIfCancellationRequested();
        var tree = services.State.ReadSnapshots(id.ToString());
        foreach (var record in tree.Items)
            yield return ViewOf(tree, record);
        await Task.CompletedTask.ConfigureAwait(false);
    }

    public Task<Operation<Snapshot>> CreateAsync(InstanceId id, SnapshotSpec spec, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(spec);
        if (spec.Name.IsDefault)
            throw new ArgumentException("A snapshot needs a name.", nameof(spec));
        if (!services.Naming.Accepts(spec.Name.ToString(), out string? problem))
            throw SpecProblem.Invalid("name", problem);
        var (requestId, options) = Identify(request);
        string tag = $"hv-{requestId.ToGuid():N}";
        SnapshotRecord? record = null;
        bool quiesce = spec.Quiesce;
        return work.BeginAsync(
            id, WorkKinds.CreateSnapshot, options,
            async (change, token) =>
            {
                var status = await change.GetStatusAsync(token).ConfigureAwait(false);
                record = Accept(change, spec, status, tag);
                return JsonSerializer.Serialize(record, StateJson.Default.SnapshotRecord);
            },
            (change, token) => CreateAsync(change, record!, quiesce, token),
            (change, _) => Task.FromResult(Again(change, tag)), cancellationToken: cancellationToken);
    }

    public Task<Operation<Instance>> RevertAsync(InstanceId id, SnapshotName name, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        if (name.IsDefault)
            throw new ArgumentException("A snapshot name is needed.", nameof(name));
        SnapshotRecord? record = null;
        return work.BeginAsync(
            id, WorkKinds.RevertSnapshot, request,
            async (change, token) =>
            {
                record = Require(change, name);
                RefuseTemplate(change);
                QemuBackups.RefuseWhileRead(change);
                RefuseOtherDisks(change, record);
                var status = await change.GetStatusAsync(token).ConfigureAwait(false);
                return JsonSerializer.Serialize(new RevertIntent { Tag = record.Tag, StartAfter = status.IsUp }, StateJson.Default.RevertIntent);
            },
            async (change, token) =>
            {
                var status = await change.GetStatusAsync(token).ConfigureAwait(false);
                await SnapshotRevert.RunAsync(change, record!, status.IsUp, token).ConfigureAwait(false);
                return await change.ViewAsync(token).ConfigureAwait(false);
            },
            static (change, token) => change.ViewAsync(token), cancellationToken: cancellationToken);
    }

    public async Task<Operation> DeleteAsync(InstanceId id, SnapshotName name, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        if (name.IsDefault)
            throw new ArgumentException("A snapshot name is needed.", nameof(name));
        SnapshotRecord? record = null;
        return await work.BeginAsync<bool>(
            id, WorkKinds.DeleteSnapshot, request,
            (change, _) =>
            {
                record = Require(change, name);
                RefuseTemplate(change);
                QemuBackups.RefuseWhileRead(change);
                return Task.FromResult<string?>(record.Tag);
            },
            async (change, token) =>
            {
                await DeleteAsync(change, record!.Tag, token).ConfigureAwait(false);
                change.PublishChanged(change.Config);
                return true;
            },
            static (_, _) => Task.FromResult(true), cancellationToken: cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Says how what a crash interrupts is finished or undone.</summary>
    public static void AddRecovery(MachineRecovery recovery, AgentChannel agents)
    {
        recovery.Add(WorkKinds.CreateSnapshot, async (change, entry, token) =>
        {
            var intended = JsonSerializer.Deserialize(entry.Intent!, StateJson.Default.SnapshotRecord)!;
            if (intended.Quiesced && await Quiescence.ThawAsync(change, agents, entry, token).ConfigureAwait(false) is { } frozen)
                return frozen;
            if (change.Services.State.ReadSnapshots(change.Id).FindTag(intended.Tag) is not null)
                return null;
            return await CleanAsync(change, entry, () => DeleteFromImagesAsync(change, intended.Tag, token)).ConfigureAwait(false) ?? MachineRecovery.Interrupted(entry);
        });
        recovery.Add(WorkKinds.DeleteSnapshot, static async (change, entry, token) =>
        {
            return await CleanAsync(change, entry, () => DeleteAsync(change, entry.Intent!, token)).ConfigureAwait(false);
        });
        recovery.Add(WorkKinds.RevertSnapshot, static (change, entry, token) => SnapshotRevert.RecoverAsync(change, entry, token));
    }

    /// <summary>A disk whose secret cannot be had now must not keep anybody from connecting.</summary>
    private static async Task<HypervisorException?> CleanAsync(MachineChange change, JournalEntry entry, Func<Task> clean)
    {
        try
        {
            await clean().ConfigureAwait(false);
            return null;
        }
        catch (HypervisorException error) when (change.Config.Disks.Any(disk => disk.Passphrase is not null))
        {
            return new HypervisorException($"The process that carried out '{entry.Kind}' ended in the middle of it, and cleaning up failed: {error.Message}", error.Code, RequestOutcome.FailedMidway, error);
        }
    }

    private async Task<Snapshot> CreateAsync(MachineChange change, SnapshotRecord record, bool quiesce, CancellationToken cancellationToken)
    {
        var status = await change.GetStatusAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (quiesce)
                await Quiescence.RunAsync(change, agents, () => MakeAsync(change, record, isUp: true, cancellationToken), cancellationToken).ConfigureAwait(false);
            else
                await MakeAsync(change, record, status.IsUp, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception error) when (error is HypervisorException or OperationCanceledException)
        {
            await DeleteFromImagesAsync(change, record.Tag, CancellationToken.None).ConfigureAwait(false);
            throw;
        }

        var tree = services.State.ReadSnapshots(change.Id).With(record);
        services.State.WriteSnapshots(change.Id, tree);
        change.PublishChanged(change.Config);
        return ViewOf(tree, record);
    }

    private static Task MakeAsync(MachineChange change, SnapshotRecord record, bool isUp, CancellationToken cancellationToken)
    {
        TpmState.Keep(change, record.Tag);
        change.Progress.Say(record.IncludesMemory ? "saving memory and disks" : "keeping the disks");
        if (!isUp)
            return SnapshotFiles.CreateAsync(change, record.Config, record.Tag, cancellationToken);
        return record.IncludesMemory ? SnapshotNodes.SaveAsync(change, record.Config, record.Tag, cancellationToken) : SnapshotNodes.CreateAsync(change, record.Config, record.Tag, cancellationToken);
    }

    private SnapshotRecord Accept(MachineChange change, SnapshotSpec spec, MachineStatus status, string tag)
    {
        var config = change.Config;
        var tree = services.State.ReadSnapshots(change.Id);
        QemuBackups.RefuseWhileRead(change);
        if (tree.Find(spec.Name) is not null)
            throw new HypervisorException($"'{config.Name}' has a snapshot '{spec.Name}' already.", ErrorCode.AlreadyExists, RequestOutcome.Rejected) { Resource = $"instance {change.Id}" };
        RefuseTemplate(change);
        if (spec.IncludeMemory && !status.IsUp)
            throw Refused(change, ErrorCode.InvalidState, $"is {status.State}: it has no memory to keep");
        if (spec.IncludeMemory && config.Disks.FirstOrDefault(disk => disk.Passphrase is not null) is { } closed)
            throw Refused(change, ErrorCode.Unsupported, $"has the encrypted disk '{closed.Id}': what is on it is in the memory too, which would lie open beside it, and QEMU cannot write memory into an encrypted image. Without memory it can be kept");
        if (spec.Quiesce && status.State != PowerState.Running)
            throw Refused(change, ErrorCode.InvalidState, $"is {status.State}: there is no guest that could bring its file systems to rest");
        if (config.Disks.FirstOrDefault(disk => !disk.ReadOnly && (disk.File is null || disk.Format != DiskImages.ImageFormat.Qcow2)) is { } other)
            throw Refused(change, ErrorCode.Unsupported, $"has the disk '{other.Id}', which is not one of its own qcow2 images: a snapshot cannot hold it");
        if (!spec.IncludeMemory && !SnapshotFiles.DisksOf(config).Any())
            throw Refused(change, ErrorCode.Unsupported, "has no writable disk: without memory there is nothing to keep");
        if (status.IsUp && status.Process is { } process && process.Lacks(config) && spec.IncludeMemory)
            throw Refused(change, ErrorCode.InvalidState, "has changes that wait for its next start: what its memory belongs to is not what is written down. Restart it first");
        return new SnapshotRecord
        {
            Tag = tag,
            Name = spec.Name.ToString(),
            Parent = tree.Current,
            CreatedAt = services.Time.GetUtcNow(),
            IncludesMemory = spec.IncludeMemory,
            Quiesced = spec.Quiesce,
            WasRunning = status.State == PowerState.Running,
            Description = spec.Description,
            ExpiresAt = spec.ExpiresAt,
            Config = config,
        };
    }

    /// <summary>Clones may share a template's images: nothing is written to them.</summary>
    private static void RefuseTemplate(MachineChange change)
    {
        if (change.Config.IsTemplate)
            throw Refused(change, ErrorCode.InvalidState, "is a template, and its disks never change: make it an instance first");
    }

    /// <summary>Going back must neither lose a disk that was added since nor miss one that was removed.</summary>
    private static void RefuseOtherDisks(MachineChange change, SnapshotRecord record)
    {
        var now = SnapshotFiles.DisksOf(change.Config).ToHashSet(StringComparer.Ordinal);
        var then = SnapshotFiles.DisksOf(record.Config).ToHashSet(StringComparer.Ordinal);
        if (now.Except(then).FirstOrDefault() is { } added)
            throw Refused(change, ErrorCode.InvalidState, $"has the disk '{added}', which it had not when '{record.Name}' was made: remove it first, going back would lose it");
        if (then.FirstOrDefault(file => change.Root.Find(StateDirectory.Disk(change.Id, file)) is null) is { } gone)
            throw Refused(change, ErrorCode.InvalidState, $"has lost the disk '{gone}', which '{record.Name}' needs");
    }

    private SnapshotRecord Require(MachineChange change, SnapshotName name) => services.State.ReadSnapshots(change.Id).Find(name)
        ?? throw new HypervisorException($"'{change.Config.Name}' has no snapshot '{name}'.", ErrorCode.NotFound, RequestOutcome.Rejected) { Resource = $"instance {change.Id}" };

    private Snapshot Again(MachineChange change, string tag)
    {
        var tree = services.State.ReadSnapshots(change.Id);
        return tree.FindTag(tag) is { } record
            ? ViewOf(tree, record)
            : throw new HypervisorException("The snapshot that this request made was deleted since. Ask with a new request id for a new one.", ErrorCode.Conflict, RequestOutcome.Rejected) { Resource = $"instance {change.Id}" };
    }

    private (RequestId Id, RequestOptions Options) Identify(RequestOptions? request)
    {
        var id = request?.RequestId ?? RequestId.New(services.Time);
        return (id, new RequestOptions { RequestId = id, IfRevision = request?.IfRevision, IfIncarnation = request?.IfIncarnation, FencingToken = request?.FencingToken, Deadline = request?.Deadline });
    }

    private static async Task DeleteAsync(MachineChange change, string tag, CancellationToken cancellationToken)
    {
        await DeleteFromImagesAsync(change, tag, cancellationToken).ConfigureAwait(false);
        var tree = change.Services.State.ReadSnapshots(change.Id);
        if (tree.FindTag(tag) is { } record)
            change.Services.State.WriteSnapshots(change.Id, tree.Without(record));
    }

    private static async Task DeleteFromImagesAsync(MachineChange change, string tag, CancellationToken cancellationToken)
    {
        TpmState.Forget(change, tag);
        if ((await change.GetStatusAsync(cancellationToken).ConfigureAwait(false)).IsUp)
            await SnapshotNodes.DeleteAsync(change, tag, cancellationToken).ConfigureAwait(false);
        else
            await SnapshotFiles.DeleteAsync(change, tag, cancellationToken).ConfigureAwait(false);
    }

    private static Snapshot ViewOf(SnapshotTree tree, SnapshotRecord record) => new()
    {
        Name = record.Name,
        Parent = record.Parent is { } parent ? tree.FindTag(parent)?.Name : null,
        IsCurrent = tree.Current == record.Tag,
        CreatedAt = record.CreatedAt,
        IncludesMemory = record.IncludesMemory,
        ExpiresAt = record.ExpiresAt,
        Description = record.Description,
    };

    private static HypervisorException Refused(MachineChange change, ErrorCode code, string why) =>
        new($"'{change.Config.Name}' {why}.", code, RequestOutcome.Rejected) { Resource = $"instance {change.Id}" };
}
