namespace Hypervisor.Sdk;

/// <summary>What a container is made of.</summary>
public sealed class ContainerSpec : InstanceSpec
{
    /// <summary>The image, in the backend's words.</summary>
    public required string Image { get; set; }

    /// <summary>A system or an application. Default <see cref="ContainerFlavor.System"/>.</summary>
    public ContainerFlavor Flavor { get; set; }

    /// <summary>The program, instead of the image's. Default: the image's.</summary>
    public IList<string> Entrypoint { get; } = [];

    /// <summary>The arguments, instead of the image's. Default: the image's.</summary>
    public IList<string> Command { get; } = [];

    /// <summary>Environment variables beside the image's. Default: none.</summary>
    public IDictionary<string, SecretOrText> Environment { get; } = new Dictionary<string, SecretOrText>();

    /// <summary>What is mounted in it. Default: nothing.</summary>
    public IList<MountSpec> Mounts { get; } = [];

    /// <summary>Ports of the host that lead into it. Default: none.</summary>
    public IList<PortSpec> Ports { get; } = [];

    /// <summary>When it is started again by itself, in the backend's words. Default: the backend's.</summary>
    public string? RestartPolicy { get; set; }

    /// <summary>Whether it is deleted when it stops, whoever or whatever stops it: a new one of the same image takes its place. Volumes that are mounted in it stay. Default false.</summary>
    public bool Ephemeral { get; set; }

    /// <summary>How many CPUs' worth of time it may use. Default: no limit.</summary>
    public double? CpuLimit { get; set; }

    /// <summary>How much memory it may use. Default: no limit.</summary>
    public ByteSize? MemoryLimit { get; set; }

    /// <summary>Whether root in it is root on the node. Default false.</summary>
    public bool Privileged { get; set; }
}
