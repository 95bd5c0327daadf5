namespace Hypervisor.Sdk;

/// <summary>How large a virtual machine is: <see cref="Explicit"/> or <see cref="Type"/>.</summary>
public abstract record Sizing
{
    private Sizing()
    {
    }

    /// <summary>By numbers.</summary>
    /// <param name="Cpus">1 or more.</param>
    /// <param name="Memory">More than zero.</param>
    public sealed record Explicit(int Cpus, ByteSize Memory) : Sizing
    {
        /// <summary>Up to how many CPUs it can be given while it runs. Default: as many as it has.</summary>
        public int? MaxCpus { get; init; }

        /// <summary>Up to how much memory it can be given while it runs. Default: as much as it has.</summary>
        public ByteSize? MaxMemory { get; init; }
    }

    /// <summary>By the name that a backend gives to a size: <c>t3.micro</c>.</summary>
    /// <param name="Name">The name.</param>
    public sealed record Type(string Name) : Sizing;
}
