namespace Hypervisor.Sdk.Lxd.Tests.Lab;

/// <summary>Which server.</summary>
public enum ServerKind
{
    Lxd,
    Incus,
}
