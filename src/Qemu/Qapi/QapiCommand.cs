using System.Text;

namespace Hypervisor.Sdk.Qemu.Qapi;

/// <summary>A command that the schemas name; <paramref name="index"/> is its place in the generated table.</summary>
internal sealed class QapiCommand(int index, string name)
{
    public int Index => index;

    public string Name => name;

    public byte[] Utf8 { get; } = Encoding.UTF8.GetBytes(name);
}
