namespace Hypervisor.Sdk.DiskImages;

/// <summary>What a check of an image found, after what was repaired.</summary>
public sealed class ImageCheck
{
    /// <summary>Clusters that are damaged: data may be wrong.</summary>
    public required long Corruptions { get; init; }

    /// <summary>Clusters that are taken and belong to nobody: space is lost, no data.</summary>
    public required long Leaks { get; init; }

    /// <summary>Errors that kept the check from looking everywhere.</summary>
    public required long CheckErrors { get; init; }

    /// <summary>Clusters that were damaged and are repaired.</summary>
    public required long CorruptionsFixed { get; init; }

    /// <summary>Clusters that were lost and are free again.</summary>
    public required long LeaksFixed { get; init; }

    /// <summary>Whether nothing is wrong, lost space aside.</summary>
    public bool IsSound => Corruptions == 0 && CheckErrors == 0;
}
