using System.Runtime.Versioning;
using Hypervisor.Sdk.Drivers;
using Hypervisor.Sdk.DiskImages;
using Hypervisor.Sdk.Qemu.Driver;
using Hypervisor.Sdk.Qemu.State;

namespace Hypervisor.Sdk.Qemu.Machines;

/// <summary>What every part of the driver needs.</summary>
[SupportedOSPlatform("linux")]
internal sealed class QemuServices
{
    public required QemuOptions Options { get; init; }

    public required BackendName Name { get; init; }

    public required StateDirectory State { get; init; }

    public required RuntimeDirectory Runtime { get; init; }

    public required QemuHost Host { get; init; }

    public required QemuArchitectures Architectures { get; init; }

    public required QemuPciDevices PciDevices { get; init; }

    public QemuUsbDevices UsbDevices { get; } = new();

    public required QemuImg Images { get; init; }

    public required ResourceLimits Limits { get; init; }

    public required EventHub Events { get; init; }

    public required NamingRules Naming { get; init; }

    public TimeProvider Time => Options.TimeProvider;
}
