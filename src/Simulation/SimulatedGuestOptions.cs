namespace Hypervisor.Sdk.Simulation;

/// <summary>How guests behave.</summary>
public sealed class SimulatedGuestOptions
{
    /// <summary>From switching on until the guest is up. Default 5 s to 15 s.</summary>
    public SimulatedDuration Boot { get; set; } = SimulatedDuration.Between(TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(15));

    /// <summary>From being asked to shut down until it is off. Default 2 s to 8 s.</summary>
    public SimulatedDuration Shutdown { get; set; } = SimulatedDuration.Between(TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(8));

    /// <summary>The share of guests that do not hear the power button, 0 to 1. Default 0.</summary>
    public double DeafShare { get; set; }

    /// <summary>What guests do with their CPUs and memory, where <see cref="LoadOf"/> does not say. Default <see cref="LoadModel.Idle"/>.</summary>
    public LoadModel Load { get; set; } = LoadModel.Idle;

    /// <summary>What the guest of an instance does, by the instance's name; null for <see cref="Load"/>. Is asked when the guest is made, and has to answer the same each time. Default: nothing.</summary>
    public Func<string, LoadModel?>? LoadOf { get; set; }

    /// <summary>Programs in every guest beside those that there are, by name: what an application's own tests need to find there.</summary>
    public IDictionary<string, SimulatedProgram> Programs { get; } = new Dictionary<string, SimulatedProgram>(StringComparer.Ordinal);

    /// <summary>The share of its memory that a guest writes to each second while it works: what live migration has to send again. Default 0.01.</summary>
    public double DirtyShare { get; set; } = 0.01;
}
