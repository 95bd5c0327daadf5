using System.Runtime.Versioning;
using Hypervisor.Sdk.Qemu.State;

namespace Hypervisor.Sdk.Qemu.Machines;

/// <summary>The right to change a machine: within this process and before all others.</summary>
[SupportedOSPlatform("linux")]
internal sealed class MachineHold(Machine machine, MachineLock file) : IDisposable
{
    private int _isDisposed;

    public Machine Machine => machine;

    /// <summary>Whether others are still kept out: false once the lock's file was removed with the machine.</summary>
    public bool IsCurrent => file.IsCurrent;

    /// <summary>Removes the lock's file, when the machine is gone for good.</summary>
    public void RemoveLock() => file.Remove();

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0)
            return;
        file.Touch();
        file.Dispose();
        machine.Gate.Release();
        machine.Released();
    }
}
