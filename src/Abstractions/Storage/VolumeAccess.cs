namespace Hypervisor.Sdk;

/// <summary>How a consumer uses a volume.</summary>
public enum VolumeAccess
{
    /// <summary>Alone, for reading and writing.</summary>
    SingleWriter,

    /// <summary>For reading, beside others that read.</summary>
    ReadOnlyMany,

    /// <summary>For writing beside one other writer, while an instance moves from that one to this.</summary>
    MigrationHandover,
}
