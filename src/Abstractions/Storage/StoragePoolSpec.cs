namespace Hypervisor.Sdk;

/// <summary>What a pool is made of.</summary>
public sealed class StoragePoolSpec
{
    /// <summary>The name.</summary>
    public required PoolName Name { get; set; }

    /// <summary>The driver's settings: where it is, how large, how fast.</summary>
    public IDictionary<string, SecretOrText> Settings { get; } = new Dictionary<string, SecretOrText>(StringComparer.OrdinalIgnoreCase);
}
