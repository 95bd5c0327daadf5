namespace Hypervisor.Sdk;

/// <summary>Which instances. What is null does not restrict; what is set must all hold.</summary>
public sealed class InstanceFilter
{
    /// <summary>In this state.</summary>
    public PowerState? State { get; init; }

    /// <summary>On this node.</summary>
    public NodeName? Node { get; init; }

    /// <summary>In this scope.</summary>
    public ScopeName? Scope { get; init; }

    /// <summary>With exactly this name.</summary>
    public string? Name { get; init; }

    /// <summary>Templates only, or everything else only.</summary>
    public bool? IsTemplate { get; init; }

    /// <summary>With all of these labels and values.</summary>
    public IReadOnlyDictionary<string, string>? Labels { get; init; }

    /// <summary>Whether an instance is one of these. Drivers use it for what their backend cannot filter itself.</summary>
    public bool Matches(Instance instance)
    {
        ArgumentNullException.ThrowIfNull(instance);
        return (State is null || instance.State == State)
            && (Node is null || instance.Node == Node)
            && (Scope is null || instance.Scope == Scope)
            && (Name is null || string.Equals(instance.Name, Name, StringComparison.Ordinal))
            && (IsTemplate is null || instance.IsTemplate == IsTemplate)
            && (Labels is null || Labels.All(label => instance.Labels.TryGetValue(label.Key, out string? value) && value == label.Value));
    }
}
