namespace Hypervisor.Sdk.ReferenceHost;

/// <summary>A signed-in browser. Only a digest of its cookie is kept.</summary>
internal sealed record Session(string Digest, DateTimeOffset ExpiresAt);
