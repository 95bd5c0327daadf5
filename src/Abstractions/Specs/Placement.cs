namespace Hypervisor.Sdk;

/// <summary>Where an instance goes.</summary>
public sealed class Placement
{
    /// <summary>The node. Default: the backend decides.</summary>
    public NodeName? Node { get; set; }

    /// <summary>The scope. Default: the backend's own default.</summary>
    public ScopeName? Scope { get; set; }
}
