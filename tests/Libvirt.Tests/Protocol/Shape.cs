using Hypervisor.Sdk.Libvirt.Protocol;

namespace Hypervisor.Sdk.Libvirt.Tests.Protocol;

/// <summary>A struct of the protocol: how to make up one, and how to read one.</summary>
internal abstract class Shape(string name)
{
    public string Name { get; } = name;

    public abstract int MinBytes { get; }

    /// <summary>A random value's bytes.</summary>
    public abstract byte[] Make(Randoms x);

    /// <summary>Reads a value and writes it again; throws when bytes are left.</summary>
    public abstract byte[] ReadAndWrite(ReadOnlySpan<byte> bytes);
}

internal sealed class Shape<T>(string name, Func<Randoms, T> make) : Shape(name)
    where T : IXdr<T>
{
    public override int MinBytes => T.MinBytes;

    public override byte[] Make(Randoms x) => Write(make(x));

    public override byte[] ReadAndWrite(ReadOnlySpan<byte> bytes)
    {
        var r = new XdrReader(bytes);
        var value = T.Read(ref r);
        r.End();
        return Write(value);
    }

    private static byte[] Write(T value)
    {
        // A little memory of its own: larger values take the way through the rented buffer.
        var w = new XdrWriter(new byte[64]);
        try
        {
            w.One(value);
            return w.Written.ToArray();
        }
        finally
        {
            w.Dispose();
        }
    }
}
