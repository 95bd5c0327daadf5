namespace Hypervisor.Sdk.Hosts;

/// <summary>What an entry of a directory is.</summary>
public enum HostFileKind
{
    /// <summary>A device, pipe or socket.</summary>
    Other,

    /// <summary>A regular file.</summary>
    File,

    /// <summary>A directory.</summary>
    Directory,

    /// <summary>A symbolic link.</summary>
    Link,
}
