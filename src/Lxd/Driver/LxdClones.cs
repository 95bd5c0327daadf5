using Hypervisor.Sdk.Drivers;

namespace Hypervisor.Sdk.Lxd.Driver;

/// <summary>Copies of containers and of their snapshots. What identifies the source (its hardware addresses, what requests have left at it) is not copied.</summary>
internal sealed class LxdClones(LxdParts parts, ContainerWork work, LxdContainers containers) : ICloning
{
    /// <summary>What of a network device only one can have.</summary>
    private static readonly string[] s_own = [DeviceRules.HardwareAddress, "ipv4.address", "ipv6.address"];

    public async Task<Operation<Instance>> CloneAsync(InstanceId source, CloneSpec spec, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(spec);
        if (source.IsDefault)
            throw new ArgumentException("An instance id is needed.", nameof(source));
        Refuse(spec);
        var (snapshot, description, labels) = (spec.Snapshot?.ToString(), spec.Description, spec.Labels.ToDictionary());
        var requestId = request?.RequestId ?? RequestId.New();
        var id = InstanceId.Parse(spec.Name.ToString());
        return await containers.BeginMakingAsync(
            WorkKinds.Clone, id, requestId, request, async token => await RequireAsync(source, request, token).ConfigureAwait(false),
            (progress, token) => work.HoldAsync(
                source, progress,
                async () =>
                {
                    var facts = await RequireAsync(source, request, token).ConfigureAwait(false);
                    var post = await PostOf(facts, id, snapshot, description, labels, requestId, token).ConfigureAwait(false);
                    return await containers.MakeAsync(post, id, requestId, progress, token).ConfigureAwait(false);
                }, token), cancellationToken).ConfigureAwait(false);
    }

    private static void Refuse(CloneSpec spec)
    {
        Refusal.BadNames(ContainerRules.Naming, spec.Name, spec.Labels.Keys);
        ContainerRules.RefuseName(spec.Name.ToString());
        foreach (var (key, value) in spec.Labels)
            ContainerRules.RefuseLabel(key, value);
        foreach (var (field, why) in new[]
        {
            ("mode", spec.Mode == CloneMode.Linked ? LxdCapabilities.NoLinkedClones : null), ("sizing", spec.Sizing is null ? null : "It is of virtual machines; change the limits of the clone."),
            ("resizeDisks", spec.ResizeDisks.Count == 0 ? null : LxdCapabilities.NotInChange), ("placement", spec.Placement.Node is null && spec.Placement.Scope is null ? null : LxdCapabilities.NotInSpec),
        })
        {
            if (why is not null)
                throw Refusal.Unsupported(field, why);
        }
    }

    private async Task<ContainerFacts> RequireAsync(InstanceId source, RequestOptions? request, CancellationToken cancellationToken)
    {
        var facts = await work.RequireAsync(source, cancellationToken).ConfigureAwait(false);
        Refusal.Unexpected(facts.Id, facts.View.Revision, facts.View.Incarnation, request);
        return facts.State == PowerState.Stopped ? facts : throw Refusal.InvalidState(source, $"'{source}' is {facts.State} and cannot be cloned: stop it first.");
    }

    /// <summary>The server copies what a request does not mention, key by key and device by device: what is not to be copied is mentioned, and an empty value is the same as no key.</summary>
    private async Task<LxdInstancesPost> PostOf(ContainerFacts facts, InstanceId id, string? snapshot, string? description, Dictionary<string, string> labels, RequestId request, CancellationToken cancellationToken)
    {
        var own = facts.Own;
        var (config, devices, profiles) = (own.Config, own.Devices, own.Profiles);
        if (snapshot is not null)
        {
            var origin = (await SnapshotTree.ReadAsync(parts.Client, facts, cancellationToken).ConfigureAwait(false)).Find(snapshot) ?? throw LxdSnapshots.NotThere(facts.Id, snapshot);
            (config, devices, profiles) = (origin.Own.Config, origin.Own.Devices, origin.Own.Profiles);
        }

        var wanted = (config ?? new Dictionary<string, string>()).Keys.Where(key => key.StartsWith(ContainerRules.OwnPrefix, StringComparison.Ordinal)).ToDictionary(key => key, _ => "");
        foreach (var (key, value) in labels)
            wanted[ContainerRules.UserPrefix + key] = value;
        wanted[LxdRequestLog.KeyOf(request)] = $"{WorkKinds.Clone}:done";
        return new LxdInstancesPost
        {
            Name = id.ToString(), Type = "container", Description = description ?? own.Description, Config = wanted, Profiles = profiles, Ephemeral = own.Ephemeral,
            Devices = (devices ?? new Dictionary<string, IDictionary<string, string>>()).Select(device => (device.Key, Copy: CopyOf(device.Value))).Where(device => device.Copy is not null).ToDictionary(device => device.Key, IDictionary<string, string> (device) => device.Copy!),
            Source = new LxdInstanceSource { Type = "copy", Source = snapshot is null ? facts.Id.ToString() : $"{facts.Id}/{snapshot}", InstanceOnly = true, ContainerOnly = true },
        };
    }

    /// <summary>What takes the place of a device that cannot be copied as it is: of a network device without addresses of its own, of a port that is the source's none.</summary>
    private static Dictionary<string, string>? CopyOf(IDictionary<string, string> device)
    {
        string? type = device.TryGetValue("type", out string? text) ? text : null;
        if (type == DeviceRules.Proxy)
            return new Dictionary<string, string> { ["type"] = DeviceRules.None };
        return type == DeviceRules.Nic && s_own.Any(device.ContainsKey) ? device.Where(entry => !s_own.Contains(entry.Key)).ToDictionary() : null;
    }
}
