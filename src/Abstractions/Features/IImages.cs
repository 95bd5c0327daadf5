namespace Hypervisor.Sdk;

/// <summary>The images that instances can be made from.</summary>
public interface IImages
{
    /// <summary>All of them.</summary>
    IAsyncEnumerable<Image> ListAsync(CancellationToken cancellationToken = default);
}
