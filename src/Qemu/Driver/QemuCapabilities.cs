using System.Runtime.Versioning;
using Hypervisor.Sdk.Qemu.Machines;
using Hypervisor.Sdk.Qemu.Processes;

namespace Hypervisor.Sdk.Qemu.Driver;

/// <summary>What the backend answers when it is asked what it can do.</summary>
[SupportedOSPlatform("linux")]
internal static class QemuCapabilities
{
    /// <summary>Guests are held to their CPUs and memory by the host.</summary>
    public static Capability ResourceLimits { get; } = Capability.Parse("resource-limits");

    /// <summary>Devices can be put on a bridge of the host.</summary>
    public static Capability BridgedNetworks { get; } = Capability.Parse("bridged-networks");

    public static CapabilityAnswer Answer(QemuServices services, Capability capability)
    {
        if (s_always.Contains(capability))
            return CapabilityAnswer.Yes;
        if (capability == Capability.HardwareAcceleration)
            return services.Host.UsesKvm ? CapabilityAnswer.Yes : CapabilityAnswer.No(services.Host.AcceleratorReason);
        if (capability == ResourceLimits)
            return services.Limits.Problem is { } problem ? CapabilityAnswer.No(problem) : CapabilityAnswer.Yes;
        if (capability == BridgedNetworks)
            return TapDevice.Problem is { } problem ? CapabilityAnswer.No(problem) : CapabilityAnswer.Yes;
        return s_never.TryGetValue(capability, out string? reason) ? CapabilityAnswer.No(reason) : default;
    }

    private static readonly HashSet<Capability> s_always = [Capability.VirtualMachines, Capability.AtomicRevision, Capability.UniqueNames, Capability.ResumableOperations, Capability.RequestLog];

    private static readonly Dictionary<Capability, string> s_never = new()
    {
        [Capability.Containers] = "QEMU runs virtual machines only.",
        [Capability.UefiFirmware] = "UEFI firmware is not used yet; machines boot by BIOS.",
        [Capability.Tpm] = "A TPM needs swtpm, which is not used yet.",
        [Capability.CloudInit] = "This backend makes no cloud-init seed; attach one as a disk.",
        [Capability.LiveMigration] = "Moving machines to another host is not built yet.",
        [Capability.MigrationHandover] = "Moving machines to another host is not built yet.",
    };
}
