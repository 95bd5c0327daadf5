namespace Hypervisor.Sdk.Qemu;

/// <summary>How a guest sees its processors: sockets of cores of threads. Their product is the most CPUs that the machine can have (<see cref="Sizing.Explicit.MaxCpus"/>, else <see cref="Sizing.Explicit.Cpus"/>).</summary>
public sealed record QemuTopology
{
    /// <summary>How many sockets, 1 to 255. Default 1.</summary>
    public int Sockets { get; init; } = 1;

    /// <summary>How many cores a socket has, 1 to 255. Default 1.</summary>
    public int Cores { get; init; } = 1;

    /// <summary>How many threads a core has, 1 to 255; more than one where the architecture has them. Default 1.</summary>
    public int Threads { get; init; } = 1;
}
