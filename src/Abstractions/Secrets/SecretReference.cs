namespace Hypervisor.Sdk;

/// <summary>Names a secret that an <see cref="ISecretProvider"/> keeps.</summary>
/// <param name="Name">The name.</param>
/// <param name="Version">The version; the newest when null.</param>
public readonly record struct SecretReference(string Name, string? Version = null);
