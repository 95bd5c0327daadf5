namespace Hypervisor.Sdk.Lxd;

/// <summary>The projects of a server: tenants with instances of their own, with limits, and with restrictions of what their users may ask for. Got from an <see cref="LxdBackend"/>; a backend of one project is connected by <see cref="LxdOptions.Project"/>.</summary>
/// <remarks>Each call fails with <see cref="ErrorCode.Unsupported"/>, and nothing is sent, where the server does not have the API extension for it.</remarks>
public interface ILxdProjects
{
    /// <summary>All projects that this client may see.</summary>
    Task<IReadOnlyList<LxdProject>> ListAsync(CancellationToken cancellationToken = default);

    /// <summary>One project; null when there is none of that name.</summary>
    Task<LxdProject?> FindAsync(string name, CancellationToken cancellationToken = default);

    /// <summary>Makes a project.</summary>
    /// <exception cref="HypervisorException">The name is taken (<see cref="ErrorCode.AlreadyExists"/>), or a field is not acceptable (<see cref="ErrorCode.InvalidArgument"/>).</exception>
    Task<LxdProject> CreateAsync(LxdProjectSpec spec, CancellationToken cancellationToken = default);

    /// <summary>Changes limits and restrictions; what is not mentioned stays.</summary>
    /// <param name="name">The project.</param>
    /// <param name="settings">Keys of a project's configuration, as the servers know them, with their new values: <c>limits.instances</c>, <c>restricted.devices.proxy</c>; null takes a key away.</param>
    /// <param name="description">What it is for, in words. Default: as it is.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    /// <exception cref="HypervisorException">There is none of that name (<see cref="ErrorCode.NotFound"/>), a limit is below what there is already (<see cref="ErrorCode.InvalidState"/>), or a key or value is not acceptable (<see cref="ErrorCode.InvalidArgument"/>).</exception>
    Task<LxdProject> ChangeAsync(string name, IReadOnlyDictionary<string, string?> settings, string? description = null, CancellationToken cancellationToken = default);

    /// <summary>What of its limits a project has used, by the servers' words: <c>containers</c>, <c>cpu</c>, <c>disk</c>, <c>instances</c>, <c>memory</c>, <c>networks</c>, <c>processes</c>, <c>virtual-machines</c>. Memory and disk are in bytes.</summary>
    /// <exception cref="HypervisorException">There is none of that name (<see cref="ErrorCode.NotFound"/>).</exception>
    Task<IReadOnlyDictionary<string, LxdProjectUse>> GetUseAsync(string name, CancellationToken cancellationToken = default);

    /// <summary>Deletes an empty project.</summary>
    /// <exception cref="HypervisorException">There is none of that name (<see cref="ErrorCode.NotFound"/>), or something is in it (<see cref="ErrorCode.InvalidState"/>).</exception>
    Task DeleteAsync(string name, CancellationToken cancellationToken = default);
}
