namespace Hypervisor.Sdk;

/// <summary>What a change does to an instance beside what it is for.</summary>
[Flags]
public enum ChangeEffects
{
    /// <summary>Nothing: what is asked for is so already.</summary>
    None = 0,

    /// <summary>Takes effect at once, and the guest goes on; or the instance is stopped and the change is in force.</summary>
    Live = 1,

    /// <summary>Takes effect at the next start.</summary>
    AtNextStart = 2,

    /// <summary>The instance is restarted.</summary>
    RestartsInstance = 4,

    /// <summary>The instance is replaced by a new one: its incarnation changes.</summary>
    ReplacesInstance = 8,

    /// <summary>Something that is stored is gone for good.</summary>
    DestroysData = 16,

    /// <summary>The guest loses a network connection.</summary>
    InterruptsNetwork = 32,
}
