namespace Hypervisor.Sdk.Conformance;

/// <summary>Something that a check needs of the backend or of the target. Where it is missing the check is skipped with the reason.</summary>
public sealed class CheckNeed
{
    private readonly Func<CheckContext, ValueTask<string?>> _whyNot;

    private CheckNeed(string name, Func<CheckContext, ValueTask<string?>> whyNot)
    {
        Name = name;
        _whyNot = whyNot;
    }

    /// <summary>An instance that can be made: the backend runs virtual machines or containers, and the target says which.</summary>
    public static CheckNeed Compute { get; } = new("instances", context => new(context.HasCompute ? null : "The backend runs no instances."));

    /// <summary>The target offers virtual machines: for sentences about what only they have.</summary>
    public static CheckNeed Machines { get; } = new("virtual machines", context => new(context.OffersContainers ? "The target offers containers, and the sentence is about what only machines have." : null)) { Service = typeof(IHypervisor) };

    /// <summary>The target offers containers: for sentences about what they are refused.</summary>
    public static CheckNeed Containers { get; } = new("containers", context => new(context.OffersContainers ? null : "The target offers machines, and the sentence is about containers.")) { Service = typeof(IContainerRuntime) };

    /// <summary>Volumes that can be made: the backend plays <see cref="IStorageBackend"/>.</summary>
    public static CheckNeed Storage { get; } = new("volumes", context => new(context.HasStorage ? null : "The backend keeps no volumes.")) { Service = typeof(IStorageBackend) };

    /// <summary>What it is called in a report.</summary>
    public string Name { get; }

    /// <summary>The role or feature; null when it is something else.</summary>
    public Type? Service { get; private init; }

    /// <summary>The capability; null when it is something else.</summary>
    public Capability? Capability { get; private init; }

    /// <summary>The ability of the target; null when it is something else.</summary>
    public ConformanceAbility? Ability { get; private init; }

    /// <summary>A role or a feature.</summary>
    public static CheckNeed Of<TService>()
        where TService : class =>
        new(typeof(TService).Name, context => new(context.Backend.TryGet<TService>(out _) ? null : $"The backend has no {typeof(TService).Name}.")) { Service = typeof(TService) };

    /// <summary>A capability that the backend answers with yes, in general.</summary>
    public static CheckNeed Can(Capability capability) => new(capability.ToString(), async context =>
    {
        var answer = await context.Backend.QueryAsync(capability, default, context.Token).ConfigureAwait(false);
        return answer.Support == CapabilitySupport.Yes ? null : $"The backend answers {answer.Support.ToString().ToLowerInvariant()} to {capability}: {answer.Reason}";
    })
    {
        Capability = capability,
    };

    /// <summary>An ability of the target.</summary>
    public static CheckNeed From(ConformanceAbility ability) => new(ability.ToString(), context => new(context.WhyNot(ability))) { Ability = ability };

    /// <summary>Why it is not there; null when it is.</summary>
    internal ValueTask<string?> WhyNotAsync(CheckContext context) => _whyNot(context);
}
