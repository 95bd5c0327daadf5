namespace Hypervisor.Sdk.Qemu.Changes;

/// <summary>A place for a processor in a running machine.</summary>
/// <param name="Type">The driver of the processor.</param>
/// <param name="Place">Where it is, as JSON (QAPI CpuInstanceProperties).</param>
/// <param name="IsThere">Whether the place is taken.</param>
internal sealed record LiveCpu(string Type, string Place, bool IsThere);
