namespace Hypervisor.Sdk;

/// <summary>Makes linked clones stand alone.</summary>
public interface IVolumeFlattening
{
    /// <summary>Copies what a linked clone shares with its source into it.</summary>
    Task<Operation<Volume>> FlattenAsync(VolumeId id, RequestOptions? request = null, CancellationToken cancellationToken = default);
}
