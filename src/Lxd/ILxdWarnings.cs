namespace Hypervisor.Sdk.Lxd;

/// <summary>What a server warns of: parts of it that do not work, instances that it could not start, members that it cannot reach. Got from an <see cref="LxdBackend"/>.</summary>
/// <remarks>Each call fails with <see cref="ErrorCode.Unsupported"/>, and nothing is sent, where the server does not have the API extension <c>warnings</c>.</remarks>
public interface ILxdWarnings
{
    /// <summary>All warnings of all projects, those that somebody has taken note of and those that are over among them.</summary>
    Task<IReadOnlyList<LxdWarning>> ListAsync(CancellationToken cancellationToken = default);

    /// <summary>Says that somebody has taken note of a warning: it stays, as <c>acknowledged</c>, and is not new again when it comes again.</summary>
    /// <exception cref="HypervisorException">There is none of that id (<see cref="ErrorCode.NotFound"/>).</exception>
    Task AcknowledgeAsync(Guid id, CancellationToken cancellationToken = default);

    /// <summary>Deletes a warning. When its cause comes again it is made anew.</summary>
    /// <exception cref="HypervisorException">There is none of that id (<see cref="ErrorCode.NotFound"/>).</exception>
    Task DeleteAsync(Guid id, CancellationToken cancellationToken = default);
}
