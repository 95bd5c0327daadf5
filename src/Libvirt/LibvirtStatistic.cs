using System.Text;
using Hypervisor.Sdk.Libvirt.Protocol;

namespace Hypervisor.Sdk.Libvirt;

/// <summary>A statistic of a domain: a look at the daemon's message itself, for as long as the visit lasts.</summary>
public readonly ref struct LibvirtStatistic
{
    private readonly long _bits;

    internal LibvirtStatistic(ReadOnlySpan<byte> field, VirTypedParameterType type, long bits, ReadOnlySpan<byte> text)
    {
        FieldUtf8 = field;
        Type = type;
        _bits = bits;
        TextUtf8 = text;
    }

    /// <summary>Its name in UTF-8, <c>cpu.time</c> for example: borrowed from the message.</summary>
    public ReadOnlySpan<byte> FieldUtf8 { get; }

    /// <summary>Which kind of value it has.</summary>
    public VirTypedParameterType Type { get; }

    /// <summary>The value of the kind String in UTF-8: borrowed from the message. Empty for every other kind.</summary>
    public ReadOnlySpan<byte> TextUtf8 { get; }

    /// <summary>The value of the kinds Int, Uint, Llong, Boolean (0 or 1), and of Ullong up to the largest long; 0 for a text, the whole part of a Double.</summary>
    public long AsInt64() => Type == VirTypedParameterType.Double ? (long)AsDouble() : Type == VirTypedParameterType.Ullong && _bits < 0 ? long.MaxValue : _bits;

    /// <summary>The value of every kind of number.</summary>
    public double AsDouble() => Type switch
    {
        VirTypedParameterType.Double => BitConverter.Int64BitsToDouble(_bits),
        VirTypedParameterType.Ullong => (ulong)_bits,
        _ => _bits,
    };

    /// <summary>Its name as a text, made anew with each call. Not its value, which may be a secret.</summary>
    public override string ToString() => Encoding.UTF8.GetString(FieldUtf8);
}
