namespace Hypervisor.Sdk;

/// <summary>The machines that run instances.</summary>
public interface INodes
{
    /// <summary>All of them, those that do not answer included.</summary>
    IAsyncEnumerable<Node> ListAsync(CancellationToken cancellationToken = default);
}
