#pragma warning disable HVSDK004 // Experimental: this is its first driver.
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.Versioning;
using System.Text.Json;
using Hypervisor.Sdk.DiskImages;
using Hypervisor.Sdk.Qemu.Backups;
using Hypervisor.Sdk.Qemu.Changes;
using Hypervisor.Sdk.Qemu.Machines;
using Hypervisor.Sdk.Qemu.State;

namespace Hypervisor.Sdk.Qemu.Disks;

/// <summary>Puts disks onto other images. What is asked for is planned here; <see cref="DiskSwapWork"/> does it.</summary>
[SupportedOSPlatform("linux")]
internal sealed class QemuDisks(QemuServices services, MachineTable machines, MachineWork work, DiskMaker disks) : IDiskLayers, IDiskMoving
{
    public async IAsyncEnumerable<DiskLayer> ListAsync(InstanceId id, DeviceId disk, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var (machine, config) = machines.Require(id);
        cancellationToken.ThrowIfCancellationRequested();
        var known = Require(config, disk);
        yield return View(machine.Id, known.File, known.ExternalPath, known.Format);
        foreach (var below in known.Backing)
            yield return View(machine.Id, below.File, below.ExternalPath, below.Format);
        await Task.CompletedTask.ConfigureAwait(false);
    }

    public Task<Operation<Instance>> AddAsync(InstanceId id, DeviceId disk, RequestOptions? request = null, CancellationToken cancellationToken = default) => BeginAsync(id, disk, request, (config, before) =>
    {
        if (before.File is null)
            throw Refused(config, ErrorCode.Unsupported, $"has the disk '{before.Id}', which is somebody else's: images are put upon the machine's own");
        string file = NewFile(config, before);
        var below = new BackingConfig { File = before.File, Format = before.Format, Node = before.NodeName, IsEncrypted = before.Passphrase is not null };
        return Swap(DiskSwap.Add, config, before, before with { File = file, Format = ImageFormat.Qcow2, Node = NewNode(config), Backing = [below, .. before.Backing] }) with { Made = file };
    }, cancellationToken);

    public Task<Operation<Instance>> CommitAsync(InstanceId id, DeviceId disk, string layer, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(layer);
        return BeginAsync(id, disk, request, (config, before) =>
        {
            var files = before.Backing.Select(below => below.File).Prepend(before.File).ToList();
            int index = files.IndexOf(layer);
            if (index < 0)
                throw NotFound(config, "layer", $"the disk '{before.Id}' of '{config.Name}' has no image '{DiskMaker.Echo(layer)}' of its own: {string.Join(", ", files.OfType<string>())}");
            if (index + 1 >= files.Count || files[index + 1] is null)
                throw Refused(config, ErrorCode.InvalidState, $"has nothing of its own below '{layer}': what lies there is not this machine's to write to. The disk can be made to stand alone (flattened)");
            var into = before.Backing[index];
            return index == 0
                ? Swap(DiskSwap.Commit, config, before, before with { File = into.File, Format = into.Format, Node = into.Node, Backing = [.. before.Backing.Skip(1)] }) with { Obsolete = [layer], Nodes = [before.NodeName] }
                : Swap(DiskSwap.Commit, config, before, before with { Backing = [.. before.Backing.Where((_, i) => i != index - 1)] }) with { Layer = index, Obsolete = [layer], Nodes = NodesOf(before.Backing.Skip(index - 1).Take(1)) };
        }, cancellationToken);
    }

    public Task<Operation<Instance>> FlattenAsync(InstanceId id, DeviceId disk, RequestOptions? request = null, CancellationToken cancellationToken = default) => BeginAsync(id, disk, request, (config, before) => before.Backing.Count == 0
        ? null
        : Swap(DiskSwap.Flatten, config, before, before with { Backing = [] }) with { Obsolete = [.. before.Backing.Select(below => below.File).OfType<string>()], Nodes = NodesOf(before.Backing) }, cancellationToken);

    public Task<Operation<Instance>> MoveAsync(InstanceId id, DeviceId disk, VolumeAttachment? target, DiskMoveOptions? options = null, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        if (options?.MaxBandwidthPerSecond is { Bytes: < 1 } bandwidth)
            throw SpecProblem.Invalid("options.maxBandwidthPerSecond", $"{bandwidth} a second is no bandwidth: 1 byte or more");
        return BeginAsync(id, disk, request, (config, before) =>
        {
            string? file = target is null ? NewFile(config, before) : null;
            var after = target is null
                ? before with { File = file, ExternalPath = null, Remote = null, IsDevice = false, Format = ImageFormat.Qcow2, Backing = [], DeleteWithMachine = true, Passphrase = options?.Passphrase ?? before.Passphrase }
                : disks.PlanTarget(before with { Passphrase = options?.Passphrase }, target, "target");
            if (options?.Passphrase is not null && services.Options.Secrets is null)
                throw SpecProblem.Unsupported("options.passphrase", $"this backend was given nobody who keeps secrets ({nameof(QemuOptions)}.{nameof(QemuOptions.Secrets)})");
            if (before.Passphrase is not null && after.Passphrase is null)
                throw SpecProblem.Invalid("options.passphrase", $"the disk '{before.Id}' is encrypted, and would lie open at the target: name what opens a target that is encrypted too");
            if (after.SizeBytes != 0 && after.SizeBytes != before.SizeBytes)
                throw SpecProblem.Invalid("target", $"it has {after.SizeBytes} bytes, and the disk '{before.Id}' has {before.SizeBytes}: a disk moves to a volume of exactly its size");
            if (target is not null && PlaceOf(after) == PlaceOf(before))
                throw SpecProblem.Invalid("target", $"the disk '{before.Id}' is there");
            if (target is not null && config.Disks.FirstOrDefault(other => PlaceOf(other) == PlaceOf(after)) is { } taken)
                throw SpecProblem.Invalid("target", $"it is the disk '{taken.Id}' of this machine");
            return Swap(DiskSwap.Move, config, before, after with { Node = NewNode(config), SizeBytes = before.SizeBytes }) with
            {
                Made = file,
                Obsolete = [.. before.Backing.Select(below => below.File).Prepend(before.File).OfType<string>()],
                Nodes = [before.NodeName, .. NodesOf(before.Backing)],
                BytesPerSecond = options?.MaxBandwidthPerSecond?.Bytes,
            };
        }, cancellationToken);
    }

    /// <summary>Says how what a crash interrupts is finished or undone.</summary>
    public static void AddRecovery(MachineRecovery recovery) => recovery.Add(WorkKinds.ChangeDiskStorage, static async (change, entry, token) =>
    {
        if (JsonSerializer.Deserialize(entry.Intent!, StateJson.Default.DiskSwap) is not { } swap)
            return null;
        try
        {
            if (swap.IsDecided(change.Config))
            {
                await DiskSwapWork.FinishAsync(change, swap, token).ConfigureAwait(false);
                return null;
            }

            await DiskSwapWork.UndoAsync(change, swap, token).ConfigureAwait(false);
            return MachineRecovery.Interrupted(entry);
        }
        catch (HypervisorException error)
        {
            // A QEMU that does not answer must not keep everybody from the machine: it has to be stopped by somebody.
            return new HypervisorException($"The process that worked on the disk '{swap.Before.Id}' ended in the middle of it, and cleaning up failed: {error.Message}", error.Code, RequestOutcome.FailedMidway, error);
        }
    });

    private Task<Operation<Instance>> BeginAsync(InstanceId id, DeviceId disk, RequestOptions? request, Func<MachineConfig, DiskConfig, DiskSwap?> plan, CancellationToken cancellationToken)
    {
        if (disk.IsDefault)
            throw new ArgumentException("A disk is needed.", nameof(disk));
        DiskSwap? swap = null;
        return work.BeginAsync(
            id, WorkKinds.ChangeDiskStorage, request,
            async (change, token) =>
            {
                var before = Require(change.Config, disk);
                RefuseBusy(change, before);
                var status = await change.GetStatusAsync(token).ConfigureAwait(false);
                bool isOpen = status.IsUp && (await LiveDevices.QueryAsync(await change.MonitorAsync(token).ConfigureAwait(false), token).ConfigureAwait(false)).Disks.ContainsKey(before.NodeName);
                RefuseAtRest(change.Config, before, isOpen);
                if (before.SizeBytes == 0)
                    before = before with { SizeBytes = await DiskSwapWork.SizeOfAsync(change, before, isOpen, token).ConfigureAwait(false) };
                swap = plan(change.Config, before);
                if (swap is null)
                    return "null";
                RefuseAtRest(change.Config, swap.After, isOpen);
                swap = swap with { IsLive = isOpen };
                return JsonSerializer.Serialize(swap, StateJson.Default.DiskSwap);
            },
            async (change, token) =>
            {
                if (swap is not null)
                    await DiskSwapWork.RunAsync(change, swap, token).ConfigureAwait(false);
                return await change.ViewAsync(token).ConfigureAwait(false);
            },
            static (change, token) => change.ViewAsync(token), canCancel: true, cancellationToken: cancellationToken);
    }

    private void RefuseBusy(MachineChange change, DiskConfig disk)
    {
        var config = change.Config;
        if (disk.IsCd || disk.ReadOnly)
            throw Refused(config, ErrorCode.Unsupported, $"cannot write to '{disk.Id}', which stays what it is");
        if (config.IsTemplate)
            throw Refused(config, ErrorCode.InvalidState, "is a template, and its disks never change: make it an instance first");
        QemuBackups.RefuseWhileRead(change);
        var snapshots = services.State.ReadSnapshots(config.Id).Items.Where(snapshot => snapshot.Config.Disks.Any(kept => kept.Id == disk.Id)).Select(snapshot => $"'{snapshot.Name}'").ToList();
        if (snapshots.Count > 0)
            throw Refused(config, ErrorCode.InvalidState, $"has the snapshot{(snapshots.Count > 1 ? "s" : "")} {string.Join(", ", snapshots)}, which need{(snapshots.Count > 1 ? "" : "s")} the disk '{disk.Id}' as it is: delete what holds it first");
    }

    /// <summary>Where a disk is, if that is not in the machine's own directory.</summary>
    private static string? PlaceOf(DiskConfig disk) => disk.ExternalPath ?? disk.Remote?.Address;

    /// <summary>While QEMU does not run, qemu-img copies: it is told of files, devices and NBD.</summary>
    private static void RefuseAtRest(MachineConfig config, DiskConfig disk, bool isOpen)
    {
        if (!isOpen && disk.Remote is { Kind: not RemoteConfig.Nbd } remote)
            throw Refused(config, ErrorCode.InvalidState, $"does not run: from and to {remote.Address} a disk moves while its machine runs. Start it first");
    }

    private static DiskSwap Swap(string kind, MachineConfig config, DiskConfig before, DiskConfig after) => new() { Kind = kind, BasedOn = config.Revision, Before = before, After = after };

    /// <summary>A revision is never come to twice.</summary>
    private static string NewNode(MachineConfig config) => string.Create(CultureInfo.InvariantCulture, $"hv-node-{config.Revision + 1}");

    private static string NewFile(MachineConfig config, DiskConfig disk) => string.Create(CultureInfo.InvariantCulture, $"{disk.Id}.{config.Revision + 1}.qcow2");

    private static IReadOnlyList<string> NodesOf(IEnumerable<BackingConfig> below) => [.. below.Select(layer => layer.Node).OfType<string>()];

    private DiskLayer View(string id, string? file, string? path, string format) => new()
    {
        Name = file ?? path!,
        Format = format,
        Allocated = file is not null && services.State.Root.Find(StateDirectory.Disk(id, file)) is { } facts ? new ByteSize(facts.AllocatedBytes) : null,
        IsOwn = file is not null,
    };

    private static DiskConfig Require(MachineConfig config, DeviceId disk) => config.Disks.FirstOrDefault(known => known.Id == disk.ToString())
        is { } found ? found : throw NotFound(config, "disk", $"'{config.Name}' has no disk '{DiskMaker.Echo(disk.ToString())}'");

    private static HypervisorException NotFound(MachineConfig config, string field, string why) => new($"There is no such thing: {why}.", ErrorCode.NotFound, RequestOutcome.Rejected)
    {
        Resource = $"instance {config.Id}",
        FieldErrors = new Dictionary<string, string> { [field] = why },
    };

    private static HypervisorException Refused(MachineConfig config, ErrorCode code, string why) => new($"'{config.Name}' {why}.", code, RequestOutcome.Rejected) { Resource = $"instance {config.Id}" };
}
