namespace Hypervisor.Sdk.Lxd;

/// <summary>What a project is made of.</summary>
public sealed class LxdProjectSpec
{
    /// <summary>The name: letters, digits, '-', '_' and '.', the first of them a letter or a digit, 63 characters at most.</summary>
    public required string Name { get; set; }

    /// <summary>What it is for, in words.</summary>
    public string? Description { get; set; }

    /// <summary>Whether it has images of its own, or those of the project <c>default</c>. Default false.</summary>
    public bool HasOwnImages { get; set; }

    /// <summary>Whether it has profiles of its own, of which <c>default</c> is empty at first and has no root disk, or those of the project <c>default</c>. Default false.</summary>
    public bool HasOwnProfiles { get; set; }

    /// <summary>Whether it has custom volumes of its own, or those of the project <c>default</c>. Default true.</summary>
    public bool HasOwnVolumes { get; set; } = true;

    /// <summary>How many containers it may have. Default: any number.</summary>
    public int? MaxContainers { get; set; }

    /// <summary>How many CPUs its instances may have together; then each must say how many it has. Default: any number.</summary>
    public int? MaxCpus { get; set; }

    /// <summary>How much memory its instances may have together; then each must say how much it has. Default: any amount.</summary>
    public ByteSize? MaxMemory { get; set; }

    /// <summary>How much space its instances, volumes and images may have together; then each must say how much it has. Default: any amount.</summary>
    public ByteSize? MaxDisk { get; set; }

    /// <summary>Whether its users are kept from what reaches beyond their instances (nesting, privileges, devices and directories of the host, ports of the host), as far as <see cref="Settings"/> do not allow it. Then it must have profiles of its own. Default false.</summary>
    public bool IsRestricted { get; set; }

    /// <summary>Further keys of a project's configuration, as the servers know them: <c>limits.processes</c>, <c>restricted.devices.proxy</c>, <c>user.*</c>. Default: none.</summary>
    public IDictionary<string, string> Settings { get; } = new Dictionary<string, string>(StringComparer.Ordinal);
}
