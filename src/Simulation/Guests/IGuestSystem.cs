namespace Hypervisor.Sdk.Simulation.Guests;

/// <summary>What programs in a guest see of the machine and the system around them.</summary>
internal interface IGuestSystem
{
    GuestFileTree Files { get; }

    string HostName { get; set; }

    /// <summary>As the kernel calls it: <c>x86_64</c>.</summary>
    string Machine { get; }

    int Cpus { get; }

    long MemoryBytes { get; }

    long MemoryUsedBytes { get; }

    double LoadAverage { get; }

    DateTimeOffset Now { get; }

    DateTimeOffset BootedAt { get; }

    /// <summary>The network devices: name, MAC address, address with prefix.</summary>
    IReadOnlyList<(string Name, string? Mac, string? Address)> Networks { get; }

    /// <summary>What the application put into the guest, by name.</summary>
    IReadOnlyDictionary<string, SimulatedProgram> Programs { get; }

    /// <summary>Waits in the guest's time.</summary>
    ValueTask DelayAsync(TimeSpan time, CancellationToken cancellationToken);

    /// <summary>Switches the machine off, or boots it anew.</summary>
    void PowerOff(bool restart);
}
