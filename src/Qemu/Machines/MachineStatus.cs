using Hypervisor.Sdk.Qemu.State;

namespace Hypervisor.Sdk.Qemu.Machines;

/// <summary>The power state of a machine at one moment.</summary>
internal sealed record MachineStatus(PowerState State, string? Reason = null, ProcessRecord? Process = null)
{
    /// <summary>Whether it is what can be seen from outside while somebody else changes the machine.</summary>
    public bool IsGuess { get; init; }

    /// <summary>Whether there is a QEMU process.</summary>
    public bool IsUp => State != PowerState.Stopped && !(State == PowerState.Crashed && Process?.CrashReason is not null);
}
