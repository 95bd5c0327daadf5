namespace Hypervisor.Sdk.CloudInit;

/// <summary>What a guest is told about its networks: the network configuration, version 2, which netplan has too.</summary>
public sealed class CloudNetwork
{
    /// <summary>The devices. One that is not mentioned is left alone.</summary>
    public IList<CloudInterface> Interfaces { get; } = [];

    /// <summary>Writes the document.</summary>
    /// <returns>What <see cref="CloudInitData.NetworkConfig"/> takes.</returns>
    /// <exception cref="HypervisorException">A value breaks its rule: the message and <see cref="HypervisorException.FieldErrors"/> name the field (<see cref="ErrorCode.InvalidArgument"/>).</exception>
    public string ToNetworkConfig()
    {
        if (Interfaces.Count == 0)
            throw Rules.Invalid("interfaces", "", "at least one");
        var devices = new Yaml.Mapping();
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (device, field) in Rules.Each(Interfaces, "interfaces"))
        {
            if (!names.Add(Rules.InterfaceName(device.Name, $"{field}.name")))
                throw Rules.Invalid($"{field}.name", device.Name, "each name once");
            devices.Add(device.Name, device.Write(field));
        }

        return new Yaml.Mapping().Add("version", 2).Add("ethernets", devices).Write();
    }
}
