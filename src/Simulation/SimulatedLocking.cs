namespace Hypervisor.Sdk.Simulation;

/// <summary>What becomes of a change while another one of the same instance is under way.</summary>
public enum SimulatedLocking
{
    /// <summary>It waits for its turn, as long as its deadline lets it, and is not accepted before.</summary>
    Waits,

    /// <summary>It is refused at once (<see cref="ErrorCode.Locked"/>).</summary>
    Refuses,

    /// <summary>It is accepted at once, and the work that it begins fails (<see cref="ErrorCode.Locked"/>).</summary>
    FailsLater,
}
