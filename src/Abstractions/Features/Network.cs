namespace Hypervisor.Sdk;

/// <summary>A network that instances can join.</summary>
public sealed class Network
{
    /// <summary>What <see cref="NetworkSpec.Network"/> calls it.</summary>
    public required string Name { get; init; }

    /// <summary>What it is, in the backend's words: <c>bridge</c>, <c>user</c>.</summary>
    public required string Kind { get; init; }

    /// <summary>Its addresses on the host's side.</summary>
    public IReadOnlyList<Cidr> Addresses { get; init; } = [];

    /// <summary>What it is for, in words.</summary>
    public string? Description { get; init; }
}
