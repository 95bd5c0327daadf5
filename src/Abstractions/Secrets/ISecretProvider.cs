namespace Hypervisor.Sdk;

/// <summary>Keeps secrets. Asked at the last moment, each time that one is needed, so that rotation is seen.</summary>
public interface ISecretProvider
{
    /// <summary>Gets a secret.</summary>
    /// <exception cref="HypervisorException">There is none of that name (<see cref="ErrorCode.NotFound"/>), or the provider does not answer.</exception>
    ValueTask<Secret> GetAsync(SecretReference reference, CancellationToken cancellationToken = default);
}
