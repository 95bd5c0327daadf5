using System.Globalization;

namespace Hypervisor.Sdk.Libvirt.Protocol;

/// <summary>The value of a typed parameter: one of seven kinds. Reading it as another kind than it has is an <see cref="InvalidOperationException"/>.</summary>
/// <remarks>virTypedParameter of libvirt-common.h; the union of the remote and the admin program.</remarks>
public readonly struct VirTypedValue : IXdr<VirTypedValue>
{
    private readonly long _bits;
    private readonly string? _text;

    private VirTypedValue(VirTypedParameterType type, long bits, string? text = null)
    {
        Type = type;
        _bits = bits;
        _text = text;
    }

    /// <summary>Which kind.</summary>
    public VirTypedParameterType Type { get; }

    /// <summary>The value as <see cref="VirTypedParameterType.Int"/>.</summary>
    public int AsInt32() => (int)Bits(VirTypedParameterType.Int);

    /// <summary>The value as <see cref="VirTypedParameterType.Uint"/>.</summary>
    public uint AsUInt32() => (uint)Bits(VirTypedParameterType.Uint);

    /// <summary>The value as <see cref="VirTypedParameterType.Llong"/>.</summary>
    public long AsInt64() => Bits(VirTypedParameterType.Llong);

    /// <summary>The value as <see cref="VirTypedParameterType.Ullong"/>.</summary>
    public ulong AsUInt64() => (ulong)Bits(VirTypedParameterType.Ullong);

    /// <summary>The value as <see cref="VirTypedParameterType.Double"/>.</summary>
    public double AsDouble() => BitConverter.Int64BitsToDouble(Bits(VirTypedParameterType.Double));

    /// <summary>The value as <see cref="VirTypedParameterType.Boolean"/>.</summary>
    public bool AsBoolean() => Bits(VirTypedParameterType.Boolean) != 0;

    /// <summary>The value as <see cref="VirTypedParameterType.String"/>.</summary>
    public string AsString()
    {
        Bits(VirTypedParameterType.String);
        return _text!;
    }

    /// <summary>A value of the kind <see cref="VirTypedParameterType.Int"/>.</summary>
    public static VirTypedValue From(int value) => new(VirTypedParameterType.Int, value);

    /// <summary>A value of the kind <see cref="VirTypedParameterType.Uint"/>.</summary>
    public static VirTypedValue From(uint value) => new(VirTypedParameterType.Uint, value);

    /// <summary>A value of the kind <see cref="VirTypedParameterType.Llong"/>.</summary>
    public static VirTypedValue From(long value) => new(VirTypedParameterType.Llong, value);

    /// <summary>A value of the kind <see cref="VirTypedParameterType.Ullong"/>.</summary>
    public static VirTypedValue From(ulong value) => new(VirTypedParameterType.Ullong, (long)value);

    /// <summary>A value of the kind <see cref="VirTypedParameterType.Double"/>.</summary>
    public static VirTypedValue From(double value) => new(VirTypedParameterType.Double, BitConverter.DoubleToInt64Bits(value));

    /// <summary>A value of the kind <see cref="VirTypedParameterType.Boolean"/>.</summary>
    public static VirTypedValue From(bool value) => new(VirTypedParameterType.Boolean, value ? 1 : 0);

    /// <summary>A value of the kind <see cref="VirTypedParameterType.String"/>.</summary>
    public static VirTypedValue From(string value)
    {
        ArgumentNullException.ThrowIfNull(value);
        return new(VirTypedParameterType.String, 0, value);
    }

    /// <summary>The kind only: a value may be a secret.</summary>
    public override string ToString() => Type.ToString();

    static int IXdr<VirTypedValue>.MinBytes => 8;

    static VirTypedValue IXdr<VirTypedValue>.Read(ref XdrReader r)
    {
        var type = (VirTypedParameterType)r.I32();
        return type switch
        {
            VirTypedParameterType.Int or VirTypedParameterType.Boolean => new(type, r.I32()),
            VirTypedParameterType.Uint => new(type, r.U32()),
            VirTypedParameterType.Llong or VirTypedParameterType.Ullong or VirTypedParameterType.Double => new(type, r.I64()),
            VirTypedParameterType.String => new(type, 0, r.Str()),
            _ => throw new XdrException(string.Create(CultureInfo.InvariantCulture, $"{(int)type} is no kind of a typed parameter")),
        };
    }

    void IXdr<VirTypedValue>.Write(ref XdrWriter w)
    {
        w.I32((int)Type);
        switch (Type)
        {
            case VirTypedParameterType.Int or VirTypedParameterType.Boolean or VirTypedParameterType.Uint:
                w.I32((int)_bits);
                break;
            case VirTypedParameterType.Llong or VirTypedParameterType.Ullong or VirTypedParameterType.Double:
                w.I64(_bits);
                break;
            case VirTypedParameterType.String:
                w.Str(_text!);
                break;
            default:
                throw new ArgumentException("A typed parameter has no value: make one with VirTypedValue.From.");
        }
    }

    private long Bits(VirTypedParameterType type) => Type == type ? _bits : throw new InvalidOperationException($"The value is {Type}, not {type}.");
}
