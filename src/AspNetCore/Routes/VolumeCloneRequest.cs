namespace Hypervisor.Sdk.AspNetCore;

/// <summary>What to clone a volume to, and how; a full copy when it does not say.</summary>
internal sealed class VolumeCloneRequest
{
    public required VolumeSpec Target { get; init; }

    public CloneMode? Mode { get; init; }
}
