namespace Hypervisor.Sdk;

/// <summary>What becomes of a disk's content when its instance is deleted.</summary>
public enum DiskDisposal
{
    /// <summary>It is kept.</summary>
    Kept,

    /// <summary>It is deleted. Only possible for content that was made with the instance.</summary>
    DeletedWithInstance,
}
