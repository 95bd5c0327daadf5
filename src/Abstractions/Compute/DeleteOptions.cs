namespace Hypervisor.Sdk;

/// <summary>How to delete. Which disks go is said per disk (<see cref="DiskDisposal"/>), never here.</summary>
public sealed class DeleteOptions
{
    /// <summary>Whether a running instance is switched off first; otherwise deleting it fails with <see cref="ErrorCode.InvalidState"/>. Default false.</summary>
    public bool StopFirst { get; init; }
}
