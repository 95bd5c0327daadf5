namespace Hypervisor.Sdk.Qemu.Changes;

/// <summary>What a step does.</summary>
internal enum StepKind
{
    /// <summary>Only writes the configuration.</summary>
    Set,
    Rename,
    AddDisk,
    ResizeDisk,
    RemoveDisk,
    LimitDisk,

    /// <summary>Another image in a CD drive, or none.</summary>
    ChangeMedium,
    AddNetwork,
    RemoveNetwork,

    /// <summary>One processor more.</summary>
    PlugCpu,

    /// <summary>One processor less.</summary>
    UnplugCpu,
    PlugMemory,
    UnplugMemory,

    /// <summary>What cloud-init was given, away.</summary>
    RemoveSeed,

    /// <summary>Another share of its memory that the guest makes do with.</summary>
    Balloon,
}
