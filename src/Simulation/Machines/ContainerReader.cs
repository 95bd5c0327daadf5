using System.Globalization;
using System.Net;
using Hypervisor.Sdk.Simulation.Worlds;

namespace Hypervisor.Sdk.Simulation.Machines;

/// <summary>Checks what a request says of a container and turns it into a configuration. Nothing is done yet; what is refused names its field.</summary>
internal sealed class ContainerReader(World world)
{
    private static readonly string[] s_policies = ["no", "on-failure", "always"];

    public (InstanceConfig Config, SimNode Node) Read(ContainerSpec spec)
    {
        var reader = new MachineReader(world);
        var node = world.Place(spec.Placement, null);
        if (string.IsNullOrEmpty(spec.Image) || (world.Options.Images.Count > 0 && !world.Options.Images.ContainsKey(spec.Image)))
            throw world.Error(ErrorCode.NotFound, RequestOutcome.Rejected, $"there is no image '{spec.Image?[..Math.Min(spec.Image.Length, 64)]}'", null, "image");
        if (spec.RestartPolicy is { } policy && !s_policies.Contains(policy, StringComparer.Ordinal))
            throw world.Invalid("restartPolicy", $"it is one of {string.Join(", ", s_policies)}");
        if (spec.CpuLimit is { } cpus && !(cpus > 0 && cpus <= 1024))
            throw world.Invalid("cpuLimit", "a limit is more than 0, 1024 at most");
        if (spec.MemoryLimit is { } memory && memory < ByteSize.FromMiB(1))
            throw world.Invalid("memoryLimit", "a limit is 1 MiB or more");
        reader.RefuseUnsupported(spec);
        if (spec.Ephemeral)
            throw world.Unsupported("ephemeral", "containers stay here until they are deleted");
        if (spec.Mounts.Count > MachineReader.MaxDisks || spec.Networks.Count > MachineReader.MaxNetworks)
            throw world.Invalid(spec.Mounts.Count > MachineReader.MaxDisks ? "mounts" : "networks", "there are too many");
        var config = new InstanceConfig
        {
            Name = reader.CheckName(spec.Name),
            Kind = InstanceKind.Container,
            Description = reader.CheckText(spec.Description, "description"),
            Architecture = node.Architecture,
            CpuLimit = spec.CpuLimit,
            MemoryLimitBytes = spec.MemoryLimit?.Bytes,
            Labels = reader.CheckLabels(spec.Labels),
            Container = new ContainerConfig(spec.Image, spec.Flavor, ReadCommand(spec), ReadEnvironment(spec), spec.RestartPolicy ?? "no"),
            Ports = [.. spec.Ports.Select((port, index) => ReadPort(port, index))],
            Disks = [.. spec.Mounts.Select((mount, index) => ReadMount(reader, mount, string.Create(CultureInfo.InvariantCulture, $"mount{index}"), node, string.Create(CultureInfo.InvariantCulture, $"mounts[{index}]")))],
            Networks = [.. spec.Networks.Select((network, index) => reader.ReadNetwork(network, string.Create(CultureInfo.InvariantCulture, $"net{index}"), string.Create(CultureInfo.InvariantCulture, $"networks[{index}]")))],
        };
        reader.RefuseTwice(config);
        return (config, node);
    }

    /// <summary>A port of the host, checked. One that is not named is drawn.</summary>
    public PortForward ReadPort(PortSpec spec, int index)
    {
        string field = string.Create(CultureInfo.InvariantCulture, $"ports[{index}]");
        if (spec.Guest is < 1 or > 65535 || spec.Host is < 1 or > 65535)
            throw world.Invalid(spec.Host is < 1 or > 65535 ? $"{field}.host" : $"{field}.guest", "a port is 1 to 65535");
        if (spec.Protocol is not ("tcp" or "udp"))
            throw world.Invalid($"{field}.protocol", "it is tcp or udp");
        return new PortForward
        {
            Id = DeviceId.Parse(string.Create(CultureInfo.InvariantCulture, $"port{spec.Guest}-{spec.Protocol}")),
            Host = new IPEndPoint(spec.Address ?? IPAddress.Loopback, spec.Host ?? 32768 + world.Random("port").Next(28000)),
            GuestPort = spec.Guest,
            Protocol = spec.Protocol,
        };
    }

    private static string[] ReadCommand(ContainerSpec spec) => [.. spec.Entrypoint, .. spec.Command];

    /// <summary>Something to mount, checked.</summary>
    public static DiskConfig ReadMount(MachineReader reader, MountSpec mount, string id, SimNode node, string field) => reader.ReadDisk(new DiskSpec { Content = mount.Source, ReadOnly = mount.ReadOnly }, id, node, field);

    private Dictionary<string, string> ReadEnvironment(ContainerSpec spec)
    {
        var environment = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, value) in spec.Environment)
            environment.Add(name, value.TryGetText(out string? text) ? text : throw world.Unsupported($"environment.{name}", "secrets are not resolved by a simulation"));
        return environment;
    }
}
