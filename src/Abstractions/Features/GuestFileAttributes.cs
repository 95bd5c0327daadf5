namespace Hypervisor.Sdk;

/// <summary>Owner and mode of a file in the guest. What is null is the guest's default.</summary>
public sealed class GuestFileAttributes
{
    /// <summary>The owner's number.</summary>
    public int? UserId { get; init; }

    /// <summary>The group's number.</summary>
    public int? GroupId { get; init; }

    /// <summary>The mode.</summary>
    public UnixFileMode? Mode { get; init; }
}
