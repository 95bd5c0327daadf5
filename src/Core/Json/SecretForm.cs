namespace Hypervisor.Sdk;

/// <summary>How a reference to a secret is written where text may stand as well. The secret itself has no form.</summary>
internal sealed class SecretForm
{
    public required string Secret { get; set; }

    public string? Version { get; set; }
}
