namespace Hypervisor.Sdk.Simulation;

/// <summary>How the time of a simulation moves. Within <see cref="SimulatedDatacenter.RunAsync(Func{Task})"/> it always moves as fast as the code allows, except with <see cref="RealTime"/>.</summary>
public enum SimulationPace
{
    /// <summary>When somebody waits for an operation, time moves on to its end; otherwise by <see cref="SimulationClock.Advance"/>. What a test outside <see cref="SimulatedDatacenter.RunAsync(Func{Task})"/> wants.</summary>
    OnDemand,

    /// <summary>By <see cref="SimulationClock.Advance"/> only.</summary>
    Stepped,

    /// <summary>As real time does, times <see cref="SimulationOptions.TimeFactor"/>. What an application under somebody's hands wants.</summary>
    RealTime,
}
