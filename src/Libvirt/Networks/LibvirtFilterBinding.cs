namespace Hypervisor.Sdk.Libvirt;

/// <summary>A device of the host that a filter guards.</summary>
public sealed class LibvirtFilterBinding
{
    /// <summary>The device: <c>vnet0</c>.</summary>
    public required string Device { get; init; }

    /// <summary>The filter.</summary>
    public required string Filter { get; init; }

    /// <summary>The name of the machine whose device it is; null for what it is called here.</summary>
    public string? Owner { get; init; }

    /// <summary>The machine's UUID; null for one that is made up.</summary>
    public Guid? OwnerId { get; init; }

    /// <summary>The device's hardware address as the guest has it; null where the filter needs none.</summary>
    public MacAddress? Mac { get; init; }

    /// <summary>What the filter's variables are: <c>IP</c>, for example.</summary>
    public IReadOnlyDictionary<string, string> Parameters { get; init; } = new Dictionary<string, string>();
}
