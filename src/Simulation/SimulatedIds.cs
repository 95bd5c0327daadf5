namespace Hypervisor.Sdk.Simulation;

/// <summary>How instances get their ids.</summary>
public enum SimulatedIds
{
    /// <summary><c>vm-1</c>, <c>vm-2</c>, ...: never used again.</summary>
    Counted,

    /// <summary><c>vm-</c> and 13 letters and digits: never used again.</summary>
    Random,

    /// <summary>The lowest free number from 100 on: used again.</summary>
    LowestFree,

    /// <summary>The name: used again, and another one after a rename.</summary>
    Name,

    /// <summary>A UUID.</summary>
    Uuid,
}
