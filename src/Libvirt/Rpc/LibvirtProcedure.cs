namespace Hypervisor.Sdk.Libvirt.Protocol;

/// <summary>A procedure of one of libvirt's RPC programs.</summary>
internal sealed class LibvirtProcedure(uint program, int number, string name)
{
    public uint Program { get; } = program;

    public int Number { get; } = number;

    public string Name { get; } = name;

    public override string ToString() => Name;
}
