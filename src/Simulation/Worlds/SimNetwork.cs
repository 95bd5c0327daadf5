namespace Hypervisor.Sdk.Simulation.Worlds;

/// <summary>A network. Belongs to the loop.</summary>
internal sealed class SimNetwork(string name, SimulatedNetworkOptions options)
{
    private long _given;

    public string Name { get; } = name;

    public string Kind { get; } = options.Kind;

    public Cidr Addresses { get; } = options.Addresses;

    public string? Description { get; } = options.Description;

    /// <summary>The next address; null when there is none left, or the network gives none out.</summary>
    public Cidr? NextAddress()
    {
        // The first one is the network's own, the second its gateway's.
        long number = ++_given + 1;
        byte[] bytes = Addresses.Address.GetAddressBytes();
        int hostBits = (bytes.Length * 8) - Addresses.PrefixLength;
        if (hostBits < 62 && number >= (1L << hostBits) - 1)
            return null;
        for (int i = bytes.Length - 1; i >= 0 && number > 0; i--)
        {
            number += bytes[i];
            bytes[i] = (byte)number;
            number >>= 8;
        }

        return Cidr.Parse($"{new System.Net.IPAddress(bytes)}/{Addresses.PrefixLength}");
    }
}
