using Hypervisor.Sdk.Drivers;

namespace Hypervisor.Sdk.Lxd.Driver;

/// <content>Making containers. The request stands in the configuration from the beginning: it comes and goes with the container.</content>
internal sealed partial class LxdContainers
{
    private const int FingerprintDigits = 64;

    public async Task<Operation<Instance>> CreateAsync(ContainerSpec spec, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(spec);
        cancellationToken.ThrowIfCancellationRequested();
        work.RefuseClosed();
        Refuse(spec);
        var requestId = request?.RequestId ?? RequestId.New();
        // What the caller does with his spec afterwards is his.
        var post = PostOf(spec, requestId, parts.Client.Offers(CloudInitKeys.Extension));
        var id = InstanceId.Parse(post.Name!);
        var wishes = DeviceWishes.Of(spec.Networks, spec.Mounts, spec.Ports);
        return await BeginMakingAsync(
            WorkKinds.Create, id, requestId, request, async token => post.Devices = await wishes.ForNewAsync(parts.Client, parts.Containers, token).ConfigureAwait(false),
            async (progress, token) =>
            {
                post.Devices ??= await wishes.ForNewAsync(parts.Client, parts.Containers, token).ConfigureAwait(false);
                return await MakeAsync(post, id, requestId, progress, token).ConfigureAwait(false);
            }, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Begins to make a container, or returns what the request has made before.</summary>
    /// <param name="kind">The word for the effect.</param>
    /// <param name="id">The one to be.</param>
    /// <param name="requestId">The request's id, the caller's or one that was made up.</param>
    /// <param name="request">What the caller says about the call.</param>
    /// <param name="check">Refuses by throwing; not asked where the request has made it before.</param>
    /// <param name="make">Makes it.</param>
    /// <param name="cancellationToken">Ends the wait for the acceptance.</param>
    internal async Task<Operation<Instance>> BeginMakingAsync(
        string kind, InstanceId id, RequestId requestId, RequestOptions? request, Func<CancellationToken, Task>? check, Func<WorkProgress, CancellationToken, Task<Instance>> make, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        work.RefuseClosed();
        bool isKnown = await work.Ledger.LookUpAsync(requestId, cancellationToken).ConfigureAwait(false) is { State: RequestState.Running or RequestState.Succeeded };
        if (!isKnown)
        {
            if (request?.RequestId is not null && await MadeAsync(requestId, cancellationToken).ConfigureAwait(false) is { } made)
                return new TrackedOperation<Instance>(null, requestId, Task.FromResult(made.View), new WorkProgress());
            // What the same request has made since it was looked up is what is asked for.
            if (await parts.Containers.FindAsync(id, cancellationToken).ConfigureAwait(false) is { } there && !IsMadeBy(there, requestId))
                throw Refusal.NameTaken(id.ToString());
            if (check is not null)
                await check(cancellationToken).ConfigureAwait(false);
            parts.Memory.Remember(requestId, new LxdMemory.Effect(kind, id, null));
        }

        var operation = await work.Ledger.BeginAsync(
            kind, new RequestOptions { RequestId = requestId, Deadline = request?.Deadline }, parts.Options.DefaultDeadline, () => id, make, cancellationToken, canCancel: false).ConfigureAwait(false);
        if (isKnown && await work.Ledger.LookUpAsync(requestId, cancellationToken).ConfigureAwait(false) is { State: RequestState.Succeeded } && await MadeAsync(requestId, cancellationToken).ConfigureAwait(false) is null)
            throw new HypervisorException($"The request {requestId} made '{id}', which was deleted since. Ask with a new request id for a new one.", ErrorCode.Conflict, RequestOutcome.Rejected) { Resource = $"instance {id}" };
        return operation;
    }

    private static void Refuse(ContainerSpec spec)
    {
        Refusal.BadNames(ContainerRules.Naming, spec.Name, spec.Labels.Keys);
        ContainerRules.RefuseName(spec.Name.ToString());
        foreach (var (key, value) in spec.Labels)
            ContainerRules.RefuseLabel(key, value);
        ContainerRules.RefuseLimits(spec.CpuLimit, spec.MemoryLimit);
        if (string.IsNullOrWhiteSpace(spec.Image) || spec.Image.Any(char.IsControl))
            throw Refusal.Invalid("image", "an alias or a fingerprint of an image of the server.");
        foreach (var (key, value) in spec.Environment)
            ContainerRules.RefuseVariable(key, value);
        _ = RestartPolicies.IsAutoStarted(spec.RestartPolicy);
        foreach (var (field, isAsked) in new[]
        {
            ("flavor", spec.Flavor != ContainerFlavor.System), ("entrypoint", spec.Entrypoint.Count > 0), ("command", spec.Command.Count > 0), ("placement", spec.Placement.Node is not null || spec.Placement.Scope is not null),
        })
        {
            if (isAsked)
                throw Refusal.Unsupported(field, LxdCapabilities.NotInSpec);
        }

        if (spec.CloudInit is { } data)
            CloudInitKeys.Refuse(data);
        if (spec.Extensions.All.FirstOrDefault(extension => extension.BackendKind is LxdBackend.LxdKind or LxdBackend.IncusKind) is { } unknown)
            throw Refusal.Unsupported("extensions", $"'{unknown.GetType().Name}' is not known.");
    }

    private static LxdInstancesPost PostOf(ContainerSpec spec, RequestId request, bool hasCloudInitKeys)
    {
        var config = spec.Labels.ToDictionary(label => ContainerRules.UserPrefix + label.Key, label => label.Value);
        config[LxdRequestLog.KeyOf(request)] = LxdRequestLog.Create;
        if (spec.CpuLimit is { } cpus)
            config[ContainerRules.CpuShare] = ContainerRules.ShareOf(cpus);
        if (spec.MemoryLimit is { } memory)
            config[ContainerRules.Memory] = ContainerRules.BytesText(memory);
        foreach (var (key, value) in spec.Environment)
            config[ContainerRules.Variable + key] = value.ToString();
        if (RestartPolicies.IsAutoStarted(spec.RestartPolicy) is { } isStarted)
            config[ContainerRules.Boot] = isStarted ? "true" : "false";
        if (spec.Privileged)
            config["security.privileged"] = "true";
        if (spec.CloudInit is { } data)
            CloudInitKeys.Write(data, hasCloudInitKeys, config);
        bool isFingerprint = spec.Image.Length == FingerprintDigits && spec.Image.All(char.IsAsciiHexDigit);
        return new LxdInstancesPost
        {
            Name = spec.Name.ToString(), Type = "container", Description = spec.Description, Config = config, Ephemeral = spec.Ephemeral,
            Source = new LxdInstanceSource { Type = "image", Alias = isFingerprint ? null : spec.Image, Fingerprint = isFingerprint ? spec.Image : null },
        };
    }

    private async Task<ContainerFacts?> MadeAsync(RequestId request, CancellationToken cancellationToken) =>
        (await parts.Containers.ListAsync(cancellationToken).ConfigureAwait(false)).FirstOrDefault(facts => IsMadeBy(facts, request));

    private static bool IsMadeBy(ContainerFacts facts, RequestId request) => RequestRecord.Find(facts, request)?.Kind is WorkKinds.Create or WorkKinds.Clone;

    internal async Task<Instance> MakeAsync(LxdInstancesPost post, InstanceId id, RequestId request, WorkProgress progress, CancellationToken cancellationToken)
    {
        progress.Say("making the container");
        using var told = parts.News.Expect(id, "instance-created");
        try
        {
            var operation = await parts.Client.InstancesPostAsync(post, cancellationToken: cancellationToken).ConfigureAwait(false);
            if (operation.Id is { } background)
                await parts.Client.WaitAsync(background, $"Creating '{id}'", cancellationToken).ConfigureAwait(false);
        }
        catch (LxdException error) when (error.Code == ErrorCode.AlreadyExists || error.Code == ErrorCode.Locked)
        {
            // By another process that was given the same request, perhaps.
            if (await parts.Containers.FindAsync(id, cancellationToken).ConfigureAwait(false) is { } made && IsMadeBy(made, request))
                return made.View;
            // Or somebody makes one of that name just now: LXD then says that it is busy.
            throw Refusal.NameTaken(post.Name!);
        }
        catch (LxdException error) when (error.Code == ErrorCode.NotFound)
        {
            // There is no such image; or the operation has ended, and the server has dropped it before it was asked.
            if (await MadeAsync(request, cancellationToken).ConfigureAwait(false) is null)
                throw;
        }

        await told.ToldAsync(cancellationToken).ConfigureAwait(false);
        return (await parts.Containers.FindAsync(id, cancellationToken).ConfigureAwait(false))?.View
            ?? throw new HypervisorException($"'{id}' was made and is gone already: somebody has deleted it.", ErrorCode.NotFound, RequestOutcome.FailedMidway) { Resource = $"instance {id}" };
    }
}
