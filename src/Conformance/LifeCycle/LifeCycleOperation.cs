namespace Hypervisor.Sdk.Conformance.LifeCycle;

/// <summary>What is done to an instance. Those of running come first.</summary>
internal enum LifeCycleOperation
{
    /// <summary>Boots it.</summary>
    Start,

    /// <summary>Switches it off.</summary>
    Stop,

    /// <summary>Asks the guest, and switches it off a moment later.</summary>
    StopInTime,

    /// <summary>Switches it off and boots it.</summary>
    Restart,

    /// <summary>Presses its reset button.</summary>
    Reset,

    /// <summary>Holds it in memory.</summary>
    Pause,

    /// <summary>Lets it go on.</summary>
    Resume,

    /// <summary>Saves it to disk.</summary>
    Suspend,

    /// <summary>Deletes it.</summary>
    Delete,

    /// <summary>Switches it off and deletes it.</summary>
    StopAndDelete,

    /// <summary>Changes its configuration.</summary>
    Change,

    /// <summary>Takes a snapshot of its disks.</summary>
    Snapshot,

    /// <summary>Takes a snapshot of its disks and its memory.</summary>
    MemorySnapshot,

    /// <summary>Goes back to a snapshot that was taken while it was stopped.</summary>
    Revert,

    /// <summary>Deletes a snapshot.</summary>
    DeleteSnapshot,

    /// <summary>Makes a full clone of it.</summary>
    Clone,

    /// <summary>Makes it a template.</summary>
    ToTemplate,

    /// <summary>Makes it an instance again.</summary>
    ToInstance,
}
