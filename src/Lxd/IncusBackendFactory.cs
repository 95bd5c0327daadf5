namespace Hypervisor.Sdk.Lxd;

/// <summary>Connects backends of the kind <c>incus</c>, with the settings of <see cref="LxdBackendFactory"/>.</summary>
internal sealed class IncusBackendFactory : LxdBackendFactory
{
    public override string Kind => LxdBackend.IncusKind;
}
