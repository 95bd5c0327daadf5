namespace Hypervisor.Sdk;

/// <summary>What a create makes. Drivers read it before the call returns and do not keep it.</summary>
public abstract class InstanceSpec
{
    private protected InstanceSpec()
    {
    }

    /// <summary>The name.</summary>
    public required InstanceName Name { get; set; }

    /// <summary>What it is for, in words.</summary>
    public string? Description { get; set; }

    /// <summary>Where it goes. Default: the backend decides.</summary>
    public Placement Placement { get; set; } = new();

    /// <summary>Its network devices. Default: none.</summary>
    public IList<NetworkSpec> Networks { get; } = [];

    /// <summary>What cloud-init in the guest reads. Default: nothing.</summary>
    public CloudInitData? CloudInit { get; set; }

    /// <summary>Labels. Keys that begin with <c>hvsdk.</c> are refused: they are ours.</summary>
    public IDictionary<string, string> Labels { get; } = new Dictionary<string, string>();

    /// <summary>Settings that only one kind of backend knows.</summary>
    public SpecExtensions Extensions { get; } = new();
}
