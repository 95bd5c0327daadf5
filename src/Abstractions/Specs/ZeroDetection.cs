namespace Hypervisor.Sdk;

/// <summary>What is done with zeros that a guest writes to a disk. Looking for them costs a little at each write.</summary>
public enum ZeroDetection
{
    /// <summary>Nothing: they are written as everything else is.</summary>
    Off,

    /// <summary>They are noted as zeros where the storage can do that, and not written. What was set aside for them stays so.</summary>
    Write,

    /// <summary>They are given back to the storage, as what the guest discards is; needs <see cref="DiskSpec.Discard"/>.</summary>
    Discard,
}
