using System.Runtime.Versioning;
using Hypervisor.Sdk.DiskImages;
using Hypervisor.Sdk.Qemu.Driver;
using Hypervisor.Sdk.Qemu.Machines;
using Hypervisor.Sdk.Qemu.State;
using Microsoft.Win32.SafeHandles;

namespace Hypervisor.Sdk.Qemu.Clones;

/// <summary>
/// Makes machines from machines: full copies of any that is stopped, overlays upon a template, whose disks never change. The source's lock is held until the clone is there, so that nobody starts, changes or deletes it meanwhile.
/// </summary>
[SupportedOSPlatform("linux")]
internal sealed class QemuClones(QemuServices services, MachineTable machines, MachineWork work, QemuHypervisor hypervisor, SpecReader specs) : ICloning, ITemplates
{
    public async Task<Operation<Instance>> CloneAsync(InstanceId source, CloneSpec spec, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(spec);
        var requestId = request?.RequestId ?? RequestId.New(services.Time);
        if (work.FindSame<Instance>(requestId, WorkKinds.Clone) is { } running)
            return running;
        string id = MachineIds.Of(requestId);
        if (machines.Get(id).ReadConfig() is { } made)
            return await hypervisor.CreateAsync(made, WorkKinds.Clone, requestId, request, static (_, config, _) => Task.FromResult(config), cancellationToken).ConfigureAwait(false);

        machines.Require(source);
        var hold = await machines.HoldAsync(source.ToString(), request?.Deadline ?? services.Options.DefaultDeadline, cancellationToken).ConfigureAwait(false);
        try
        {
            var config = Plan(source, id, spec, request);
            var operation = await hypervisor.CreateAsync(
                config, WorkKinds.Clone, requestId, request, (change, planned, token) => MakeDisksAsync(change, planned, source.ToString(), spec, token), cancellationToken).ConfigureAwait(false);
            _ = ReleaseAfterAsync(operation, hold);
            return operation;
        }
        catch
        {
            hold.Dispose();
            throw;
        }
    }

    public Task<Operation<Instance>> ConvertToTemplateAsync(InstanceId id, RequestOptions? request = null, CancellationToken cancellationToken = default) => work.BeginAsync(
        id, WorkKinds.ConvertToTemplate, request,
        static async (change, token) =>
        {
            var status = await change.GetStatusAsync(token).ConfigureAwait(false);
            if (status.IsUp)
                throw Refused(change, ErrorCode.InvalidState, $"is {status.State}; stop it first");
            if (change.Config.Disks.FirstOrDefault(disk => disk.File is null && !disk.ReadOnly) is { } other)
                throw Refused(change, ErrorCode.Unsupported, $"has the disk '{other.Id}', which is somebody else's: a template's disks must never change");
            return null;
        },
        static (change, token) => SetTemplateAsync(change, true, token), static (change, token) => change.ViewAsync(token), cancellationToken: cancellationToken);

    public Task<Operation<Instance>> ConvertToInstanceAsync(InstanceId id, RequestOptions? request = null, CancellationToken cancellationToken = default) => work.BeginAsync(
        id, WorkKinds.ConvertToInstance, request,
        static (change, _) =>
        {
            LinkedClones.RefuseWhileShared(change, "made an instance");
            return Task.FromResult<string?>(null);
        },
        static (change, token) => SetTemplateAsync(change, false, token), static (change, token) => change.ViewAsync(token), cancellationToken: cancellationToken);

    private static async Task<Instance> SetTemplateAsync(MachineChange change, bool isTemplate, CancellationToken cancellationToken)
    {
        // What is so already stays as it is: the images of a machine that runs are its QEMU's.
        if (change.Config.IsTemplate == isTemplate)
            return await change.ViewAsync(cancellationToken).ConfigureAwait(false);
        foreach (var disk in change.Config.Disks.Where(disk => disk.File is not null))
        {
            // The QEMUs of the clones read these, and none of them must be able to write.
            using var file = change.Root.OpenFile(StateDirectory.Disk(change.Id, disk.File!), FileAccess.ReadWrite);
            if (isTemplate)
                change.Services.Host.RunAs?.ShareForReading(file);
            else
                File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }

        change.Save(change.Config with { IsTemplate = isTemplate });
        return await change.ViewAsync(cancellationToken).ConfigureAwait(false);
    }

    private static async Task ReleaseAfterAsync(Operation<Instance> operation, MachineHold hold)
    {
        try
        {
            await operation.WaitAsync().ConfigureAwait(false);
        }
        catch (HypervisorException)
        {
            // Whoever asked for the clone is told by the operation; here it only matters that it has ended.
        }
        finally
        {
            hold.Dispose();
        }
    }

    /// <summary>What the clone will be, checked, under the source's lock. Its disks are planned and not made.</summary>
    private MachineConfig Plan(InstanceId sourceId, string id, CloneSpec spec, RequestOptions? request)
    {
        var (machine, source) = machines.Require(sourceId);
        MachineWork.CheckExpectations(source, services.State.ReadJournal(machine.Id), request);
        using (var process = services.State.ReadProcess(machine.Id) is { } record ? Machine.Hold(record) : null)
        {
            if (process is not null)
                throw Refused(source, ErrorCode.InvalidState, "runs; stop it first");
        }

        if (spec.Mode == CloneMode.Linked && !source.IsTemplate)
            throw Refused(source, ErrorCode.InvalidState, "is not a template: a linked clone needs disks that never change. Make it a template, or ask for a full clone");
        if (spec.Mode == CloneMode.Linked && spec.Snapshot is not null)
            throw SpecProblem.Unsupported("snapshot", "a linked clone begins with the template as it is; a full clone can begin with a snapshot");
        if (spec.Placement.Node is not null || spec.Placement.Scope is not null)
            throw SpecProblem.Unsupported("placement", "this backend has one node and no scopes");
        var snapshot = spec.Snapshot is { } name
            ? services.State.ReadSnapshots(machine.Id).Find(name) ?? throw new HypervisorException($"'{source.Name}' has no snapshot '{name}'.", ErrorCode.NotFound, RequestOutcome.Rejected) { Resource = $"instance {machine.Id}" }
            : null;
        var origin = snapshot?.Config ?? source;
        if (origin.Disks.FirstOrDefault(disk => disk.File is null && !disk.ReadOnly) is { } other)
            throw Refused(source, ErrorCode.Unsupported, $"has the disk '{other.Id}', which is somebody else's: two machines cannot both write to it. Remove it first");
        if (spec.ResizeDisks.Keys.FirstOrDefault(disk => origin.Disks.All(own => own.Id != disk.ToString() || own.File is null)) is { IsDefault: false } stranger)
            throw SpecProblem.Invalid($"resizeDisks[{stranger}]", $"'{source.Name}' has no disk '{stranger}' of its own");
        var uuid = Guid.NewGuid();
        string cloneName = specs.CheckName(spec.Name);
        return (spec.Sizing is null ? origin : SpecReader.CheckLayout(SpecReader.ApplySizing(origin, spec.Sizing, "sizing"))) with
        {
            Id = id,
            Uuid = uuid,
            Revision = 1,
            StartRevision = 0,
            Name = cloneName,
            Description = spec.Description is null ? source.Description : SpecReader.CheckText(spec.Description, "description"),
            CreatedAt = services.Time.GetUtcNow(),
            IsTemplate = false,
            ClonedFrom = machine.Id,
            CloudInit = SeedMaker.PlanClone(origin.CloudInit, uuid, cloneName),
            Labels = SpecReader.CheckLabels(source.Labels.Where(label => !spec.Labels.ContainsKey(label.Key)).Concat(spec.Labels)),
            Networks = [.. origin.Networks.Select(network => network with { Mac = SpecReader.NewMac().ToString() })],
            Disks = [.. origin.Disks.Select(disk => PlanDisk(machine.Id, disk, spec))],
        };
    }

    private DiskConfig PlanDisk(string sourceId, DiskConfig disk, CloneSpec spec)
    {
        if (disk.File is null)
            return disk;
        var own = disk with { File = $"{disk.Id}.qcow2", Format = ImageFormat.Qcow2, DeleteWithMachine = true, Node = null, TakenFrom = null };
        if (spec.ResizeDisks.TryGetValue(DeviceId.Parse(disk.Id), out var size))
            own = own with { SizeBytes = CheckGrowth(disk, size) };
        if (spec.Mode == CloneMode.Full)
            return own with { Backing = [] };
        return own with
        {
            Backing =
            [
                new BackingConfig { Format = disk.Format, ExternalPath = PathOf(sourceId, disk.File), IsEncrypted = disk.Passphrase is not null },
                .. disk.Backing.Select(below => below.File is { } file ? below with { File = null, ExternalPath = PathOf(sourceId, file), Node = null } : below),
            ],
        };
    }

    private static long CheckGrowth(DiskConfig disk, ByteSize size)
    {
        string field = $"resizeDisks[{disk.Id}]";
        if (size.Bytes % 512 != 0 || size.Bytes > DiskMaker.MaxSizeBytes)
            throw SpecProblem.Invalid(field, "a disk is 512 bytes to 128 TiB, a multiple of 512");
        if (size.Bytes < disk.SizeBytes)
            throw SpecProblem.Invalid(field, $"it is {new ByteSize(disk.SizeBytes)}; smaller would cut off data that only the guest knows");
        return size.Bytes;
    }

    private async Task<MachineConfig> MakeDisksAsync(MachineChange change, MachineConfig config, string sourceId, CloneSpec spec, CancellationToken cancellationToken)
    {
        string? tag = spec.Snapshot is { } snapshot ? services.State.ReadSnapshots(sourceId).Find(snapshot)!.Tag : null;
        var source = (tag is null ? machines.Get(sourceId).ReadConfig() : services.State.ReadSnapshots(sourceId).FindTag(tag)?.Config)
            ?? throw new HypervisorException($"The machine '{sourceId}' has gone.", ErrorCode.NotFound, RequestOutcome.Rejected) { Resource = $"instance {sourceId}" };
        foreach (var disk in config.Disks.Where(disk => disk.File is not null))
        {
            change.Progress.Say($"{(spec.Mode == CloneMode.Full ? "copying" : "linking")} disk {disk.Id}", 0);
            var original = source.Disks.First(candidate => candidate.Id == disk.Id);
            await MakeDiskAsync(change, disk, sourceId, original, tag, cancellationToken).ConfigureAwait(false);
        }

        await NvramMaker.MakeCloneAsync(change, config, sourceId, tag, cancellationToken).ConfigureAwait(false);
        TpmState.MakeClone(change, config, sourceId, tag);
        SeedMaker.MakeClone(change, config, sourceId);
        return config;
    }

    private async Task MakeDiskAsync(MachineChange change, DiskConfig disk, string sourceId, DiskConfig original, string? tag, CancellationToken cancellationToken)
    {
        string path = StateDirectory.Disk(change.Id, disk.File!);
        var root = change.Root;
        using var file = root.CreateFile(path);
        var key = await DiskKeys.GetAsync(services, disk.Passphrase, cancellationToken).ConfigureAwait(false);
        var target = DiskImage.InFile(file, disk.Format).WithPassphrase(key);
        if (disk.Backing.Count > 0)
        {
            var options = new ImageCreateOptions { BackingFile = disk.Backing[0].ExternalPath, BackingFormat = disk.Backing[0].Format, KeyDerivationTime = services.Options.KeyDerivationTime };
            await root.EffectAsync($"make image {path}", () => services.Images.CreateAsync(target, new ByteSize(disk.SizeBytes), options, cancellationToken)).ConfigureAwait(false);
        }
        else
        {
            using var opened = root.OpenFile(StateDirectory.Disk(sourceId, original.File!));
            var image = DiskImage.InFile(opened, original.Format, BelowOf(sourceId, original.Backing, key)).WithPassphrase(key);
            var options = new ImageCreateOptions { KeyDerivationTime = services.Options.KeyDerivationTime };
            await root.EffectAsync($"copy image {path}", () => tag is null
                ? services.Images.ConvertAsync(image, target, options, change.Progress, cancellationToken)
                : services.Images.ConvertSnapshotAsync(image, tag, target, options, change.Progress, cancellationToken)).ConfigureAwait(false);
            if (disk.SizeBytes != original.SizeBytes)
                await root.EffectAsync($"resize image {path}", () => services.Images.ResizeAsync(target, new ByteSize(disk.SizeBytes), cancellationToken)).ConfigureAwait(false);
        }

        root.FlushFile(file, path);
    }

    private DiskImage? BelowOf(string sourceId, IEnumerable<BackingConfig> below, Secret? key) => below.FirstOrDefault() is { } first
        ? DiskImage.At(first.ExternalPath ?? PathOf(sourceId, first.File!), first.Format).WithPassphrase(first.IsEncrypted ? key : null).WithBacking(BelowOf(sourceId, below.Skip(1), key))
        : null;

    private string PathOf(string id, string file) => Path.Combine(services.State.Path, StateDirectory.Disk(id, file));

    private static HypervisorException Refused(MachineChange change, ErrorCode code, string why) => Refused(change.Config, code, why);

    private static HypervisorException Refused(MachineConfig config, ErrorCode code, string why) =>
        new($"'{config.Name}' {why}.", code, RequestOutcome.Rejected) { Resource = $"instance {config.Id}" };
}
