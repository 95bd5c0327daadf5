namespace Hypervisor.Sdk.Conformance;

/// <summary>Cuts nodes off.</summary>
public interface INodeFaults
{
    /// <summary>Cuts off the node that an instance runs on.</summary>
    Task CutAsync(NodeName node, CancellationToken cancellationToken);

    /// <summary>Lets it answer again.</summary>
    Task HealAsync(NodeName node, CancellationToken cancellationToken);
}
