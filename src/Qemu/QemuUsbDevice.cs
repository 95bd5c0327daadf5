namespace Hypervisor.Sdk.Qemu;

/// <summary>A USB device of this host.</summary>
public sealed record QemuUsbDevice
{
    /// <summary>Where it is plugged in: the bus, and the ports on the way: <c>1-2.4</c>.</summary>
    public required string Address { get; init; }

    /// <summary>Vendor and product as USB numbers them: <c>046d:c31c</c>.</summary>
    public required string Model { get; init; }

    /// <summary>What it calls itself, untrusted; null where it does not say.</summary>
    public string? Product { get; init; }
}
