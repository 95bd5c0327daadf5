namespace Hypervisor.Sdk.Testing.Lxd;

/// <summary>Which server.</summary>
public enum ServerKind
{
    Lxd,
    Incus,
}
