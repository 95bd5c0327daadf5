namespace Hypervisor.Sdk;

/// <summary>How a lane is used.</summary>
public enum LaneMode
{
    /// <summary>Beside others that share it.</summary>
    Shared,

    /// <summary>Alone.</summary>
    Exclusive,
}
