namespace Hypervisor.Sdk.Libvirt;

/// <summary>The network filters of a daemon, and which devices they guard. Got from a <see cref="LibvirtBackend"/>.</summary>
public interface ILibvirtFilters
{
    /// <summary>The names of all filters.</summary>
    Task<IReadOnlyList<string>> ListAsync(CancellationToken cancellationToken = default);

    /// <summary>A filter's own document, verbatim.</summary>
    /// <exception cref="HypervisorException">There is none of that name (<see cref="ErrorCode.NotFound"/>).</exception>
    Task<string> GetDocumentAsync(string name, CancellationToken cancellationToken = default);

    /// <summary>Makes a filter, or replaces the one of that name: devices that it guards follow at once.</summary>
    /// <param name="document">libvirt's document of a filter.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The filter's name.</returns>
    /// <exception cref="HypervisorException">It is no document of a filter (<see cref="ErrorCode.InvalidArgument"/>).</exception>
    Task<string> DefineAsync(string document, CancellationToken cancellationToken = default);

    /// <summary>Deletes a filter.</summary>
    /// <exception cref="HypervisorException">There is none of that name (<see cref="ErrorCode.NotFound"/>), or something needs it.</exception>
    Task DeleteAsync(string name, CancellationToken cancellationToken = default);

    /// <summary>Which devices of the host are guarded by which filters.</summary>
    Task<IReadOnlyList<LibvirtFilterBinding>> ListBindingsAsync(CancellationToken cancellationToken = default);

    /// <summary>Has a filter guard a device of the host.</summary>
    /// <exception cref="HypervisorException">There is no such filter or device, or the device is guarded already.</exception>
    Task BindAsync(LibvirtFilterBinding binding, CancellationToken cancellationToken = default);

    /// <summary>Takes that back.</summary>
    /// <exception cref="HypervisorException">The device is not guarded (<see cref="ErrorCode.NotFound"/>).</exception>
    Task UnbindAsync(string device, CancellationToken cancellationToken = default);
}
