namespace Hypervisor.Sdk;

/// <summary>What cloud-init in the guest reads (the NoCloud data source and its like).</summary>
public sealed class CloudInitData
{
    /// <summary>Tells cloud-init whether this is a new machine. Default: the incarnation.</summary>
    public string? InstanceDataId { get; set; }

    /// <summary>The guest's host name. Default: the instance's name.</summary>
    public string? HostName { get; set; }

    /// <summary>The user-data document. May hold secrets: never logged.</summary>
    public string? UserData { get; set; }

    /// <summary>The network-config document, version 2.</summary>
    public string? NetworkConfig { get; set; }

    /// <summary>The vendor-data document.</summary>
    public string? VendorData { get; set; }

    /// <summary>How it reaches the guest, in the backend's words (QEMU: <c>disk</c>, <c>cd</c>, <c>smbios</c>). Default <c>auto</c>: as most guests can read it.</summary>
    public string Delivery { get; set; } = "auto";
}
