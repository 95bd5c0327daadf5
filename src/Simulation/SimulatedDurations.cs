namespace Hypervisor.Sdk.Simulation;

/// <summary>How long the work of a backend takes, beside what depends on sizes (copies, memory, guests).</summary>
public sealed class SimulatedDurations
{
    /// <summary>An answer to any call. Default: no time.</summary>
    public SimulatedDuration Call { get; set; }

    /// <summary>Making an instance. Default 0.5 s to 2 s.</summary>
    public SimulatedDuration Create { get; set; } = Seconds(0.5, 2);

    /// <summary>Starting an instance, until it runs (its guest boots after that). Default 0.2 s to 1 s.</summary>
    public SimulatedDuration Start { get; set; } = Seconds(0.2, 1);

    /// <summary>Switching an instance off. Default 0.1 s to 0.5 s.</summary>
    public SimulatedDuration SwitchOff { get; set; } = Seconds(0.1, 0.5);

    /// <summary>Deleting an instance. Default 0.2 s to 1 s.</summary>
    public SimulatedDuration Delete { get; set; } = Seconds(0.2, 1);

    /// <summary>Each step of a change. Default 0.05 s to 0.3 s.</summary>
    public SimulatedDuration ChangeStep { get; set; } = Seconds(0.05, 0.3);

    /// <summary>Making, applying or deleting a snapshot without memory. Default 0.2 s to 1 s.</summary>
    public SimulatedDuration Snapshot { get; set; } = Seconds(0.2, 1);

    /// <summary>Making a clone, beside copying. Default 0.2 s to 1 s.</summary>
    public SimulatedDuration Clone { get; set; } = Seconds(0.2, 1);

    /// <summary>Pausing, resuming, resetting, converting. Default 0.01 s to 0.1 s.</summary>
    public SimulatedDuration Switch { get; set; } = Seconds(0.01, 0.1);

    /// <summary>Work on a volume, beside copying. Default 0.05 s to 0.5 s.</summary>
    public SimulatedDuration Volume { get; set; } = Seconds(0.05, 0.5);

    /// <summary>Agreeing with another node upon a migration, and taking over. Default 0.2 s to 1 s.</summary>
    public SimulatedDuration Migration { get; set; } = Seconds(0.2, 1);

    /// <summary>Sets all of them to no time at all: for tests that do not care.</summary>
    public void SetAllToZero() => Call = Create = Start = SwitchOff = Delete = ChangeStep = Snapshot = Clone = Switch = Volume = Migration = default;

    private static SimulatedDuration Seconds(double least, double most) => SimulatedDuration.Between(TimeSpan.FromSeconds(least), TimeSpan.FromSeconds(most));
}
