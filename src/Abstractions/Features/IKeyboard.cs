namespace Hypervisor.Sdk;

/// <summary>The keyboard of a virtual machine, for what a viewer of its screen cannot type: Ctrl+Alt+Delete, keys before a system runs.</summary>
public interface IKeyboard
{
    /// <summary>Presses keys together, the first first, and lets them go after a tenth of a second. Whether the guest heard them, nobody says.</summary>
    /// <param name="id">The machine, which must run.</param>
    /// <param name="keys">
    /// 1 to 16 keys by QEMU's words for them (QAPI <c>QKeyCode</c>), which Proxmox takes too: <c>a</c>, <c>1</c>, <c>ret</c>, <c>esc</c>, <c>spc</c>, <c>tab</c>, <c>f1</c>, <c>up</c>, <c>delete</c>, <c>ctrl</c>, <c>alt</c>,
    /// <c>shift</c>, <c>meta_l</c>. They are places on the keyboard; what they type is decided by the guest's layout.
    /// </param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="HypervisorException">A key is not known (<see cref="ErrorCode.InvalidArgument"/>), the machine does not run (<see cref="ErrorCode.InvalidState"/>) or has no keyboard (<see cref="ErrorCode.Unsupported"/>).</exception>
    Task PressAsync(InstanceId id, IReadOnlyList<string> keys, CancellationToken cancellationToken = default);
}
