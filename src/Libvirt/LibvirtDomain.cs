namespace Hypervisor.Sdk.Libvirt;

/// <summary>What only libvirt knows of a machine or container: <c>spec.Extensions.Set(new LibvirtDomain { IsAutostarted = true })</c>, when it is made or changed.</summary>
/// <remarks>virDomainSetAutostart of libvirt-domain.h.</remarks>
public sealed record LibvirtDomain : ISpecExtension
{
    /// <inheritdoc />
    [System.Text.Json.Serialization.JsonIgnore]
    public string BackendKind => LibvirtBackend.Kind;

    /// <summary>
    /// Whether the daemon starts it when it starts itself on a host that has booted. Null leaves it as it is: what is made is not started. Of a container that is made, <see cref="ContainerSpec.RestartPolicy"/> says the same. Not of
    /// what the daemon does not keep when it does not run. Default null.
    /// </summary>
    public bool? IsAutostarted { get; init; }
}
