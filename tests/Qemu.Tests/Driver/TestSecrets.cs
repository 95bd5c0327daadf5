namespace Hypervisor.Sdk.Qemu.Tests.Driver;

/// <summary>Secrets by their names.</summary>
internal sealed class TestSecrets : Dictionary<string, string>, ISecretProvider
{
    public ValueTask<Secret> GetAsync(SecretReference reference, CancellationToken cancellationToken = default) => TryGetValue(reference.Name, out string? value)
        ? new(Secret.FromText(value))
        : throw new HypervisorException($"There is no secret '{reference.Name}'.", ErrorCode.NotFound, RequestOutcome.Rejected);
}
