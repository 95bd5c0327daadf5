namespace Hypervisor.Sdk.Simulation;

/// <summary>A network of a simulated data centre.</summary>
public sealed class SimulatedNetworkOptions
{
    /// <summary>What it is, in words. Default <c>bridge</c>.</summary>
    public string Kind { get; set; } = "bridge";

    /// <summary>The addresses that its guests are given, one after the other. Default 10.0.0.0/16.</summary>
    public Cidr Addresses { get; set; } = Cidr.Parse("10.0.0.0/16");

    /// <summary>What it is for, in words.</summary>
    public string? Description { get; set; }
}
