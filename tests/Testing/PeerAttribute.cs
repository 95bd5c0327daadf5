using Xunit.v3;

namespace Hypervisor.Sdk.Testing;

/// <summary>Says which real program this test talks to, for example <c>qemu</c>. Selects tests by trait; see <see cref="RealPeer"/> for what happens when it is absent.</summary>
[AttributeUsage(AttributeTargets.Method | AttributeTargets.Class, AllowMultiple = true)]
public sealed class PeerAttribute(string name) : Attribute, ITraitAttribute
{
    /// <summary>The peer, in lower case.</summary>
    public string Name { get; } = name;

    /// <inheritdoc />
    public IReadOnlyCollection<KeyValuePair<string, string>> GetTraits() => [new("Peer", Name)];
}
