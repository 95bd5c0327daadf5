namespace Hypervisor.Sdk;

/// <summary>The networks that instances can join.</summary>
public interface INetworks
{
    /// <summary>All of them.</summary>
    IAsyncEnumerable<Network> ListAsync(CancellationToken cancellationToken = default);
}
