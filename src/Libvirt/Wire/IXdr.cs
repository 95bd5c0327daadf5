namespace Hypervisor.Sdk.Libvirt.Protocol;

/// <summary>A value with a form in XDR (RFC 4506).</summary>
internal interface IXdr<T>
    where T : IXdr<T>
{
    /// <summary>The fewest bytes that the form can have: what a count is checked against before anything is made for it.</summary>
    static abstract int MinBytes { get; }

    static abstract T Read(ref XdrReader r);

    void Write(ref XdrWriter w);
}

/// <summary>Reads one value.</summary>
internal delegate T XdrRead<out T>(ref XdrReader r);

/// <summary>The arguments of a procedure that has none.</summary>
internal readonly struct NoArguments : IXdr<NoArguments>
{
    static int IXdr<NoArguments>.MinBytes => 0;

    static NoArguments IXdr<NoArguments>.Read(ref XdrReader r) => default;

    void IXdr<NoArguments>.Write(ref XdrWriter w)
    {
    }
}
