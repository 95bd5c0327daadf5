namespace Hypervisor.Sdk.Conformance;

/// <content>Instances.</content>
public sealed partial class CheckContext
{
    /// <summary>Switches off without asking the guest.</summary>
    public static StopOptions AtOnce { get; } = new() { GracePeriod = TimeSpan.Zero };

    /// <summary>The role that runs the target's kind of instances.</summary>
    public ICompute Compute => ComputeOf(Backend);

    internal bool HasCompute => Target.NewInstance(InstanceName.Parse(_namePrefix + "probe")) switch
    {
        VirtualMachineSpec => Backend.TryGet<IHypervisor>(out _),
        ContainerSpec => Backend.TryGet<IContainerRuntime>(out _),
        _ => false,
    };

    internal bool OffersContainers => Target.NewInstance(InstanceName.Parse(_namePrefix + "probe")) is ContainerSpec;

    /// <summary>The role of another client.</summary>
    public ICompute ComputeOf(IBackend backend)
    {
        ArgumentNullException.ThrowIfNull(backend);
        return OffersContainers ? backend.Get<IContainerRuntime>() : backend.Get<IHypervisor>();
    }

    /// <summary>The target's smallest instance under a new name.</summary>
    public InstanceSpec NewSpec(Action<InstanceSpec>? configure = null)
    {
        var spec = Target.NewInstance(NewName()) ?? throw new CheckSkippedException("The target has no instance to offer.");
        configure?.Invoke(spec);
        return spec;
    }

    /// <summary>Begins to create.</summary>
    public Task<Operation<Instance>> BeginCreateAsync(InstanceSpec spec, RequestOptions? request = null, IBackend? client = null) => BeginCreateAsync(spec, request, client, Token);

    /// <summary>Begins to create, with a token of its own.</summary>
    public Task<Operation<Instance>> BeginCreateAsync(InstanceSpec spec, RequestOptions? request, IBackend? client, CancellationToken cancellationToken) => spec switch
    {
        VirtualMachineSpec machine => (client ?? Backend).Get<IHypervisor>().CreateAsync(machine, request, cancellationToken),
        ContainerSpec container => (client ?? Backend).Get<IContainerRuntime>().CreateAsync(container, request, cancellationToken),
        _ => throw new ArgumentException("A spec is for a virtual machine or a container.", nameof(spec)),
    };

    /// <summary>Creates an instance and waits until it is there.</summary>
    public Task<Instance> CreateAsync(Action<InstanceSpec>? configure = null, RequestOptions? request = null) => BeginCreateAsync(NewSpec(configure), request).WaitForCompletionAsync(Token);

    /// <summary>Creates an instance, starts it, and waits until it runs.</summary>
    public async Task<Instance> CreateRunningAsync(Action<InstanceSpec>? configure = null)
    {
        var created = await CreateAsync(configure).ConfigureAwait(false);
        return await StartAsync(created.Id).ConfigureAwait(false);
    }

    /// <summary>Starts an instance and waits.</summary>
    public Task<Instance> StartAsync(InstanceId id, RequestOptions? request = null) => Compute.StartAsync(id, request, Token).WaitForCompletionAsync(Token);

    /// <summary>Switches an instance off and waits.</summary>
    public Task<Instance> StopAsync(InstanceId id, RequestOptions? request = null) => Compute.StopAsync(id, AtOnce, request, Token).WaitForCompletionAsync(Token);

    /// <summary>Restarts an instance without asking the guest, and waits.</summary>
    public Task<Instance> RestartAsync(InstanceId id, RequestOptions? request = null) => Compute.RestartAsync(id, AtOnce, request, Token).WaitForCompletionAsync(Token);

    /// <summary>Deletes an instance and waits.</summary>
    public Task DeleteAsync(InstanceId id, bool stopFirst = false, RequestOptions? request = null) => Compute.DeleteAsync(id, new DeleteOptions { StopFirst = stopFirst }, request, Token).WaitForCompletionAsync(Token);

    /// <summary>The instance, which must be there.</summary>
    public async Task<Instance> GetAsync(InstanceId id) =>
        await Compute.FindAsync(id, Token).ConfigureAwait(false) ?? throw new CheckFailedException($"The instance '{id}' is not found; it must be there.");

    /// <summary>Requires that an instance is in a state.</summary>
    public async Task RequireStateAsync(InstanceId id, PowerState state, string after) => RequireEqual(state, (await GetAsync(id).ConfigureAwait(false)).State, $"The state {after}");

    /// <summary>The instances of this check, as a list shows them.</summary>
    public async Task<IReadOnlyList<Instance>> ListOwnAsync(InstanceFilter? filter = null)
    {
        var own = new List<Instance>();
        await foreach (var instance in Compute.List(filter).WithCancellation(Token).ConfigureAwait(false))
        {
            if (instance.Name.StartsWith(_namePrefix, StringComparison.Ordinal))
                own.Add(instance);
        }

        return own;
    }

    /// <summary>Plans a change and applies it with all that it entails, and waits.</summary>
    public Task<Instance> ChangeAsync(InstanceId id, Action<InstanceChange> change, RequestOptions? request = null)
    {
        ArgumentNullException.ThrowIfNull(change);
        var wanted = new InstanceChange();
        change(wanted);
        return Compute.ChangeAsync(id, wanted, new ApplyOptions { Accept = Everything }, request, Token).WaitForCompletionAsync(Token);
    }

    internal const ChangeEffects Everything = ChangeEffects.Live | ChangeEffects.AtNextStart | ChangeEffects.RestartsInstance | ChangeEffects.ReplacesInstance | ChangeEffects.DestroysData | ChangeEffects.InterruptsNetwork;
}
