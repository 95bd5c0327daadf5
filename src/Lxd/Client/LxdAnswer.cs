namespace Hypervisor.Sdk.Lxd;

/// <summary>What a server answered.</summary>
/// <typeparam name="T">What was asked for.</typeparam>
public sealed class LxdAnswer<T>
{
    internal LxdAnswer(T value, Revision? revision)
    {
        Value = value;
        Revision = revision;
    }

    /// <summary>What was asked for.</summary>
    public T Value { get; }

    /// <summary>The ETag: give it as <see cref="LxdCall.IfMatch"/> with a change, and the server refuses when somebody else was faster. Null where the server sent none.</summary>
    public Revision? Revision { get; }
}
