namespace Hypervisor.Sdk.Hosts;

/// <summary>An entry of a directory of a node.</summary>
public sealed class HostFile
{
    /// <summary>Its name, without the directory.</summary>
    public required string Name { get; init; }

    /// <summary>What it is.</summary>
    public required HostFileKind Kind { get; init; }

    /// <summary>Its length, in bytes.</summary>
    public required long LengthBytes { get; init; }

    /// <summary>Who may do what.</summary>
    public required UnixFileMode Mode { get; init; }

    /// <summary>When it was last written; SFTP says it to the second.</summary>
    public required DateTimeOffset ModifiedAt { get; init; }

    /// <inheritdoc />
    public override string ToString() => Name;
}
