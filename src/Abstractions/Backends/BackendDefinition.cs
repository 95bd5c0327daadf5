namespace Hypervisor.Sdk;

/// <summary>What to connect to: all that a registry keeps of a backend that is not connected.</summary>
public sealed class BackendDefinition
{
    /// <summary>The name under which the application knows it.</summary>
    public required BackendName Name { get; init; }

    /// <summary>The kind of driver: <c>qemu</c>.</summary>
    public required string Kind { get; init; }

    /// <summary>The driver's settings, by the names of its options. Secrets are references.</summary>
    public IDictionary<string, SecretOrText> Settings { get; } = new Dictionary<string, SecretOrText>(StringComparer.OrdinalIgnoreCase);
}
