namespace Hypervisor.Sdk.Libvirt.Protocol;

/// <summary>A named value: a statistic, or one parameter of a call that takes any number of them.</summary>
/// <param name="field">Its name, as in <c>cpu.time</c>.</param>
/// <param name="value">Its value.</param>
public readonly struct VirTypedParameter(string field, VirTypedValue value) : IXdr<VirTypedParameter>
{
    /// <summary>The name.</summary>
    public string Field { get; } = field;

    /// <summary>The value.</summary>
    public VirTypedValue Value { get; } = value;

    /// <summary>The name and the kind of the value: a value may be a secret.</summary>
    public override string ToString() => $"{Field}: {Value}";

    static int IXdr<VirTypedParameter>.MinBytes => 12;

    static VirTypedParameter IXdr<VirTypedParameter>.Read(ref XdrReader r) => new(r.Word(), r.One<VirTypedValue>());

    void IXdr<VirTypedParameter>.Write(ref XdrWriter w)
    {
        w.Str(Field);
        w.One(Value);
    }
}
