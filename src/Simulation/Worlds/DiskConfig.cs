namespace Hypervisor.Sdk.Simulation.Worlds;

/// <summary>A disk of an instance.</summary>
/// <param name="Id">What it is called within the instance.</param>
/// <param name="Bus">How the guest sees it.</param>
internal sealed record DiskConfig(DeviceId Id, string Bus)
{
    /// <summary>The volume; null until it is made, and for one of somebody else's.</summary>
    public SimVolume? Volume { get; init; }

    /// <summary>A volume of somebody else's, as it was attached.</summary>
    public string? External { get; init; }

    /// <summary>What it will be when it is made.</summary>
    public long SizeBytes { get; init; }

    /// <summary>Where it is made.</summary>
    public SimPool? Pool { get; init; }

    public bool Thin { get; init; } = true;

    /// <summary>How much of it is copied from an image when it is made.</summary>
    public long ImageBytes { get; init; }

    public string? Serial { get; init; }

    public bool ReadOnly { get; init; }

    public DiskDisposal Disposal { get; init; }

    /// <summary>Whether it was made with the instance, and may go with it.</summary>
    public bool IsOwn { get; init; }

    /// <summary>How fast the guest may use it.</summary>
    public DiskLimits? Limits { get; init; }

    /// <summary>Whether what the guest gives back is given back to the storage.</summary>
    public bool Discard { get; init; } = true;

    /// <summary>What is done with zeros that the guest writes.</summary>
    public ZeroDetection DetectZeroes { get; init; }

    /// <summary>Whether it is a CD drive.</summary>
    public bool IsCd { get; init; }

    /// <summary>The image in a CD drive; null when it is empty.</summary>
    public string? Image { get; init; }

    public long GuestBytes => Volume?.SizeBytes ?? SizeBytes;
}
