using System.Text;
using Hypervisor.Sdk.Simulation.Calls;
using Hypervisor.Sdk.Simulation.Driver;
using Hypervisor.Sdk.Simulation.Machines;
using Hypervisor.Sdk.Simulation.Works;
using Hypervisor.Sdk.Simulation.Worlds;

namespace Hypervisor.Sdk.Simulation.Clones;

/// <summary>Makes instances from instances. The source is held until the clone is there, so that nobody starts, changes or deletes it meanwhile; whether for one clone alone is the personality's.</summary>
internal sealed class CloneService(SimulationClient client) : FeatureService(client), ICloning, ITemplates
{
    public Task<Operation<Instance>> CloneAsync(InstanceId source, CloneSpec spec, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(spec);
        if (spec.Name.IsDefault)
            throw new ArgumentException("A name is needed.", nameof(spec));
        cancellationToken.ThrowIfCancellationRequested();
        return EnterAsync(WorkKinds.Clone, source, request, World.Options.TraceCalls ? Encoding.UTF8.GetString(ModelJson.Default.Write(spec)) : null, async token =>
        {
            var requestId = request?.RequestId ?? World.Works.NewRequestId();
            if (World.Works.Repeated<Instance>(requestId, WorkKinds.Clone) is { } again)
                return again;
            var origin = World.Require(source);
            bool isShared = World.SharesAsSource(origin);
            if (!await World.Works.HoldAsync(origin, request?.Deadline ?? World.Options.DefaultDeadline, token, isShared: isShared).ConfigureAwait(false))
                throw World.Refused(ErrorCode.Locked, $"'{origin.Name}' is being changed. Try again when that has ended.", origin.Text);
            try
            {
                if (origin.IsDeleted)
                    throw World.Refused(ErrorCode.NotFound, $"There is no instance '{source}'.", source.ToString());
                World.Works.CheckExpectations(origin, request);
                var node = NodeOf(origin, spec);
                return InstanceMaking.Begin(World, WorkKinds.Clone, Plan(origin, spec, node), node, origin, request, requestId, World.Options.Durations.Clone, () => World.Works.Release(origin, isShared), spec.Mode == CloneMode.Linked,
                    spec.Snapshot is { } name ? origin.Snapshots!.Find(name.ToString())!.Files : World.FilesOf(origin));
            }
            catch
            {
                World.Works.Release(origin, isShared);
                throw;
            }
        }, cancellationToken);
    }

    public Task<Operation<Instance>> ConvertToTemplateAsync(InstanceId id, RequestOptions? request = null, CancellationToken cancellationToken = default) => ConvertAsync(
        WorkKinds.ConvertToTemplate, id, request, true,
        instance =>
        {
            if (instance.IsUp || instance.HasSavedMemory)
                throw InvalidState(instance, $"is {instance.State}; stop it first");
            if (instance.Config.Disks.FirstOrDefault(static disk => !disk.IsOwn && !disk.ReadOnly) is { } other)
                throw World.Refused(ErrorCode.Unsupported, $"'{instance.Name}' has the disk '{other.Id}', which is somebody else's: a template's disks must never change.", instance.Text);
        }, cancellationToken);

    public Task<Operation<Instance>> ConvertToInstanceAsync(InstanceId id, RequestOptions? request = null, CancellationToken cancellationToken = default) => ConvertAsync(
        WorkKinds.ConvertToInstance, id, request, false,
        instance =>
        {
            if (instance.LinkedClones > 0)
                throw InvalidState(instance, $"has {instance.LinkedClones} linked clones that need its disks and cannot be made an instance: delete them first");
        }, cancellationToken);

    private Task<Operation<Instance>> ConvertAsync(string kind, InstanceId id, RequestOptions? request, bool isTemplate, Action<SimInstance> accept, CancellationToken cancellationToken) => EnterAsync(
        kind, id, request, null, token => World.Works.BeginAsync<Instance>(
            kind, id, null, request, accept,
            async (work, instance) =>
            {
                await work.Take(World.Draw(World.Options.Durations.Switch, "switch"), "converting");
                if (instance.IsTemplate != isTemplate)
                {
                    instance.IsTemplate = isTemplate;
                    World.Save(instance, instance.Config);
                }

                return instance.View;
            }, cancellationToken: token), cancellationToken);

    private SimNode NodeOf(SimInstance origin, CloneSpec spec) => spec.Placement.Node is null && spec.Placement.Scope is null ? origin.Node : World.Place(spec.Placement, origin.Config.Architecture);

    private InstanceConfig Plan(SimInstance source, CloneSpec spec, SimNode node)
    {
        var reader = new MachineReader(World);
        if (source.IsUp || source.HasSavedMemory)
            throw InvalidState(source, source.IsUp ? "runs; stop it first" : $"is {source.State}, and its memory belongs to its disks; stop it first");
        if (spec.Mode == CloneMode.Linked && World.Personality.Answer(Capability.LinkedClones) is { Support: CapabilitySupport.No } no)
            throw World.Unsupported("mode", no.Reason!.TrimEnd('.'));
        if (spec.Mode == CloneMode.Linked && !source.IsTemplate)
            throw InvalidState(source, "is not a template: a linked clone needs disks that never change. Make it a template, or ask for a full clone");
        if (spec.Mode == CloneMode.Linked && spec.Snapshot is not null)
            throw World.Unsupported("snapshot", "a linked clone begins with the template as it is; a full clone can begin with a snapshot");
        var origin = spec.Snapshot is { } name
            ? source.Snapshots?.Find(name.ToString())?.Config ?? throw World.Refused(ErrorCode.NotFound, $"'{source.Name}' has no snapshot '{name}'.", source.Text)
            : source.Config;
        if (origin.Disks.FirstOrDefault(static disk => !disk.IsOwn && !disk.ReadOnly) is { } other)
            throw World.Refused(ErrorCode.Unsupported, $"'{source.Name}' has the disk '{other.Id}', which is somebody else's: two machines cannot both write to it. Remove it first.", source.Text);
        return origin with
        {
            Name = reader.CheckName(spec.Name),
            Description = spec.Description is null ? source.Config.Description : reader.CheckText(spec.Description, "description"),
            Labels = reader.CheckLabels(source.Config.Labels.Where(label => !spec.Labels.ContainsKey(label.Key)).Concat(spec.Labels)),
            Networks = [.. origin.Networks.Select(static network => network with { Mac = default, Address = null })],
            Disks = [.. origin.Disks.Select(disk => PlanDisk(disk, spec.Mode, node))],
        };
    }

    private DiskConfig PlanDisk(DiskConfig disk, CloneMode mode, SimNode node)
    {
        if (!disk.IsOwn || disk.Volume is not { } volume)
            return disk;
        if (mode == CloneMode.Linked)
        {
            return volume.Pool.Node is null || volume.Pool.Node == node.Name
                ? disk with { Pool = volume.Pool, SizeBytes = volume.SizeBytes, ImageBytes = 0, Disposal = DiskDisposal.DeletedWithInstance }
                : throw World.Invalid("placement.node", $"the node '{node.Text}' does not reach the pool '{volume.Pool.Text}', which a linked clone needs");
        }

        var pool = volume.Pool.Node is null || volume.Pool.Node == node.Name ? volume.Pool : World.RequirePool(null, node, "placement.node");
        return disk with { Volume = null, Pool = pool, SizeBytes = volume.SizeBytes, ImageBytes = volume.WrittenBytes, Disposal = DiskDisposal.DeletedWithInstance };
    }
}
