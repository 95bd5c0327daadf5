namespace Hypervisor.Sdk.DiskImages;

/// <summary>What a check repairs.</summary>
public enum ImageRepair
{
    /// <summary>Nothing: it looks.</summary>
    None,

    /// <summary>Space that is lost: always safe.</summary>
    Leaks,

    /// <summary>Everything, by guessing where it must: data may be lost. Keep a copy.</summary>
    All,
}
