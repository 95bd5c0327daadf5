using System.Text;

namespace Hypervisor.Sdk.Libvirt;

/// <summary>A domain as a message of the daemon names it: a look at the message itself, for as long as the visit lasts.</summary>
public readonly ref struct LibvirtDomainView
{
    internal LibvirtDomainView(ReadOnlySpan<byte> name, Guid uuid, int id)
    {
        NameUtf8 = name;
        Uuid = uuid;
        Id = id;
    }

    /// <summary>Its name in UTF-8: borrowed from the message.</summary>
    public ReadOnlySpan<byte> NameUtf8 { get; }

    /// <summary>Its UUID.</summary>
    public Guid Uuid { get; }

    /// <summary>The number of its run; -1 when it does not run.</summary>
    public int Id { get; }

    /// <summary>Its name as a text, made anew with each call.</summary>
    public override string ToString() => Encoding.UTF8.GetString(NameUtf8);
}
