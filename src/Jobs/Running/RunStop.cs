namespace Hypervisor.Sdk.Jobs.Running;

/// <summary>Why a handler was asked to stop.</summary>
internal enum RunStop
{
    None,
    Cancel,
    LeaseLost,
    Shutdown,
    TimeLimit,
    Deadline,
}
